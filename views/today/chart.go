package today

import "strconv"

// The box that the chart is drawn in.
const (
	dayWidth    = 20
	barWidth    = 14
	chartHeight = 100
	leastTop    = 5 // so that one activity is not the highest bar
)

// bar is a part of a day's column.
type bar struct{ key, x, y, width, height string }

// bars stack a day's values over each other, on the scale of the highest day.
func (p ChartProps) bars(position int) []bar {
	var bars []bar
	scale, below := chartHeight/float64(p.top()), 0.0
	for i, value := range p.Days[position].Values {
		if value == 0 {
			continue
		}
		height := float64(value) * scale
		below += height
		bars = append(bars, bar{
			key: p.Series[i].Key, x: number(float64(position*dayWidth + (dayWidth-barWidth)/2)), y: number(chartHeight - below),
			width: number(barWidth), height: number(height),
		})
	}
	return bars
}

func (p ChartProps) top() int64 {
	top := int64(leastTop)
	for _, day := range p.Days {
		sum := int64(0)
		for _, value := range day.Values {
			sum += value
		}
		top = max(top, sum)
	}
	return top
}

func (p ChartProps) box() string {
	return "0 0 " + strconv.Itoa(len(p.Days)*dayWidth) + " " + strconv.Itoa(chartHeight)
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }
