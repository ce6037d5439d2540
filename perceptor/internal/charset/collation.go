package charset

// OfCollation finds the charset of a collation by the number that the binlog tells.
func OfCollation(id uint16) (*Charset, bool) {
	name := nameOfCollation(id)
	c, ok := charsets[name]
	return c, ok
}

func nameOfCollation(id uint16) string {
	switch {
	case id < 256:
		return lowCollations[id]
	case id < 512: // MySQL 8: the utf8mb4 collations of Unicode 9, and the one of gb18030
		return "utf8mb4"
	case id < 1024: // MariaDB: a block of 32 for each Unicode charset
		switch (id - 576) / 32 {
		case 0:
			return "utf8mb3"
		case 1:
			return "utf8mb4"
		case 2:
			return "ucs2"
		case 3:
			return "utf16"
		case 5:
			return "utf32"
		}
		return ""
	case id < 2048: // MariaDB: the same without padding
		return nameOfCollation(id - 1024)
	}
	switch (id - 2048) / 256 { // MariaDB: the collations of Unicode 14
	case 0:
		return "utf8mb3"
	case 1:
		return "utf8mb4"
	case 2:
		return "ucs2"
	case 3:
		return "utf16"
	case 4:
		return "utf32"
	}
	return ""
}

// lowCollations are the charsets of the collations below 256.
var lowCollations = func() (names [256]string) {
	for name, ids := range map[string][]int{
		"armscii8": {32, 64}, "ascii": {11, 65}, "big5": {1, 84}, "binary": {63}, "cp1250": {26, 34, 44, 66, 99}, "cp1251": {14, 23, 50, 51, 52},
		"cp1256": {57, 67}, "cp1257": {29, 58, 59}, "cp850": {4, 80}, "cp852": {40, 81}, "cp866": {36, 68}, "cp932": {95, 96}, "dec8": {3, 69},
		"eucjpms": {97, 98}, "euckr": {19, 85}, "gb18030": {248, 249, 250}, "gb2312": {24, 86}, "gbk": {28, 87}, "geostd8": {92, 93}, "greek": {25, 70},
		"hebrew": {16, 71}, "hp8": {6, 72}, "keybcs2": {37, 73}, "koi8r": {7, 74}, "koi8u": {22, 75}, "latin1": {5, 8, 15, 31, 47, 48, 49, 94},
		"latin2": {2, 9, 21, 27, 77}, "latin5": {30, 78}, "latin7": {20, 41, 42, 79}, "macce": {38, 43}, "macroman": {39, 53}, "sjis": {13, 88},
		"swe7": {10, 82}, "tis620": {18, 89}, "ucs2": {35, 90, 159}, "ujis": {12, 91}, "utf16": {54, 55}, "utf16le": {56, 62}, "utf32": {60, 61},
		"utf8mb3": {33, 76, 83, 223}, "utf8mb4": {45, 46, 255},
	} {
		for _, id := range ids {
			names[id] = name
		}
	}
	for name, ids := range map[string][2]int{
		"utf16": {101, 124}, "ucs2": {128, 151}, "utf32": {160, 183}, "utf8mb3": {192, 215}, "utf8mb4": {224, 247},
	} {
		for id := ids[0]; id <= ids[1]; id++ {
			names[id] = name
		}
	}
	return names
}()
