# SPDX-License-Identifier: Apache-2.0
# A picture of clustered bars, for gnuplot. chart() of lib.bash sets these variables:
#   data    a table with tabs: the names of the series, then a line for each cluster with its name and values
#   series  the number of series
#   heading, unit
set terminal svg size 860,340 dynamic font "sans-serif,13" background rgb "white"
set datafile separator tab
set datafile missing "-"
set title heading offset 0,-0.3
set ylabel unit
set yrange [0:*]
set offsets -0.4, -0.4, graph 0.1, 0
set style data histogram
set style histogram cluster gap 1
set style fill solid 1.0
set boxwidth 0.92
set bmargin 3.5
set border 1
set xtics scale 0
set ytics scale 0
set grid ytics linewidth 1
set key outside right top vertical Left reverse samplen 1 spacing 1.3
array colour[6] = ["#0b6e99", "#d9730d", "#7a7a7a", "#2e8b57", "#9b59b6", "#b8860b"]
at(k) = (k - (series + 1) / 2.0) / (series + 1)
short(x) = x >= 100 ? sprintf("%.0f", x) : x >= 10 ? sprintf("%.1f", x) : sprintf("%.2f", x)
# Long names get two lines.
wrap(s) = strlen(s) > 12 && strstrt(s, " ") ? s[1:strstrt(s, " ") - 1]."\n".s[strstrt(s, " ") + 1:*] : s
plot for [i = 1:series] data using (column(i + 1)):xtic(wrap(stringcolumn(1))) title columnheader(i + 1) \
		linecolor rgb colour[i], \
	for [i = 1:series] data every ::1 using ($0 + at(i)):(column(i + 1)):(short(column(i + 1))) \
		with labels font ",10" offset 0, 0.6 notitle
