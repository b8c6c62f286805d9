package models

// LiveTopic names what pages watch: they read it again when it is announced.
type LiveTopic string

// The topics.
const (
	TopicActivity     LiveTopic = "activity"
	TopicSync         LiveTopic = "sync"
	TopicTasks        LiveTopic = "tasks"
	TopicUnsubscribes LiveTopic = "unsubscribes"
)

// LiveChannel is PostgreSQL's channel on which topics are announced.
const LiveChannel = "salesactions_live"

// Tell is the statement that announces a topic. In a transaction it takes effect with
// the commit, and equal announcements are one.
func Tell(topic LiveTopic) string {
	return `SELECT pg_notify('` + LiveChannel + `', '` + string(topic) + `')`
}
