package config

// skeinTable is what skein adds, where no other table has the place for it.
var skeinTable = []Property{
	{Name: "max.decompressed.batch.bytes", Type: Int, Default: new("67108864"), Bounds: atLeast(1024), Own: true,
		Doc: "Largest size that a compressed batch may have when it is unpacked."},
	{Name: "log.dir.free.bytes.floor", Type: Long, Default: new("268435456"), Bounds: atLeast(0), Own: true,
		Doc: "With less free space than this on the disk, Produce is refused with a retriable error; reading and deleting go on."},
}
