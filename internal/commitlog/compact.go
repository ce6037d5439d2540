package commitlog

const planSuffix = ".compaction"

func (l *Log) finishPlan(string) error { return nil }
