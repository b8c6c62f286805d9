package activity

// Icon is the drawing of a kind of activity: the path of a line in a square of 16.
type Icon string

// The icons.
const (
	Sent    Icon = "M2 8 14 2.5 10 14 7.5 9 2 8M7.5 9 14 2.5"
	Opened  Icon = "M2 6.5 8 2.5 14 6.5V13.5H2V6.5M2 6.5 8 10.5 14 6.5"
	Clicked Icon = "M5 2.5 13 8.5 9.5 9.2 11.5 13 9.8 13.8 8 10 5 12.5Z"
	Replied Icon = "M6.5 3.5 2.5 7.5 6.5 11.5M2.5 7.5H9A4.5 4.5 0 0 1 13.5 12V13"
	Bounced Icon = "M8 2 14.5 13.5H1.5ZM8 6.5V9.5M8 11.5V11.6"
	Called  Icon = "M5.5 2.5 7 6 5.5 7.2A7 7 0 0 0 8.8 10.5L10 9 13.5 10.5V12.5A1.5 1.5 0 0 1 12 14 10 10 0 0 1 2 4 1.5 1.5 0 0 1 3.5 2.5Z"
	Joined  Icon = "M4 14V2.5H12.5L10.5 5.5 12.5 8.5H4"
	Left    Icon = "M4 14V2.5H12.5L10.5 5.5 12.5 8.5H4M9 11 13.5 15M13.5 11 9 15"
	Moment  Icon = "M8 2 9.7 6 14 6.4 10.7 9.2 11.7 13.5 8 11.2 4.3 13.5 5.3 9.2 2 6.4 6.3 6Z"
	Visited Icon = "M14 8A6 6 0 1 1 2 8 6 6 0 0 1 14 8M2.5 8H13.5M8 2C11 5.5 11 10.5 8 14 5 10.5 5 5.5 8 2"
	Sum     Icon = "M12 5V3H4L9 8 4 13H12V11"
	Message Icon = "M2 3H14V11H7.5L4.5 13.8V11H2Z"
	Remind  Icon = "M3 3H13V13H3ZM5.5 8 7.3 9.8 10.7 6.2"
	NoIcon  Icon = "M8 8V8.1"
)
