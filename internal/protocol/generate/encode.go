package main

import "strings"

// method writes a method of s with this body, and computes flexible in front if the body asks for it.
func (p *printer) method(s *goStruct, signature string, body *printer) {
	p.line("func (x *%s) %s {", s.name, signature)
	if strings.Contains(body.String(), "flexible") {
		p.line("flexible := %s", s.message.flexible.within(s.in))
	}
	p.Write(body.Bytes())
	p.line("}\n")
}

// flexibleName is the variable that method computes, unless the condition is a constant.
func flexibleName(condition string) string {
	if condition == "true" || condition == "false" {
		return condition
	}
	return "flexible"
}

// compact is the Go expression that says whether the length of the field is a varint: true, false or flexible.
func (f *goField) compact(s *goStruct, tagged bool) string {
	within := f.flexible.within(f.in)
	switch {
	case tagged:
		return "true"
	case f.flexible == s.message.flexible:
		return flexibleName(within)
	}
	return within
}

// encode writes the method that appends s.
func (p *printer) encode(s *goStruct) {
	body := &printer{}
	body.untagged(s, func(f *goField) { body.writeField(s, f, false) })
	flexible := s.message.flexible.intersect(s.in)
	body.when(flexibleName(flexible.within(s.in)), func() { body.writeTags(s, flexible) })
	p.method(s, "encode(w *Writer, version int16)", body)
}

// writeField writes the statements that append one field.
func (p *printer) writeField(s *goStruct, f *goField, tagged bool) {
	x, compact, nullable := "x."+f.name, f.compact(s, tagged), f.nullable.within(f.in)
	switch {
	case f.isCode():
		p.line("w.int16(int16(%s))", x)
	case f.kind == kindArray:
		p.line("w.length(len(%s), %s == nil, %s, %s)", x, x, compact, nullable)
		p.line("for i := range %s {", x)
		p.writeElement(x+"[i]", f, compact)
		p.line("}")
	case f.kind == kindStruct && f.nullable.some && tagged:
		p.line("if %s == nil {\nw.uvarint(0)\n} else {\nw.uvarint(1)\n%s.encode(w, version)\n}", x, x)
	case f.kind == kindStruct && f.nullable.some:
		p.line("if %s == nil {\nw.int8(-1)\n} else {\nw.int8(1)\n%s.encode(w, version)\n}", x, x)
	case f.kind == kindStruct:
		p.line("%s.encode(w, version)", x)
	case f.goType() == "*string":
		p.line("w.nullableString(%s, %s, %s)", x, compact, nullable)
	case f.kind == kindString:
		p.line("w.string(%s, %s)", x, compact)
	case f.goType() == "Payload":
		p.line("w.payload(%s, %s, %s)", x, compact, nullable)
	case f.kind.hasLength():
		p.line("w.bytes(%s, %s, %s)", x, compact, nullable)
	default:
		p.line("w.%s(%s)", f.kind, x)
	}
}

func (p *printer) writeElement(x string, f *goField, compact string) {
	switch f.element {
	case kindStruct:
		p.line("%s.encode(w, version)", x)
	case kindString:
		p.line("w.string(%s, %s)", x, compact)
	case kindBytes:
		p.line("w.bytes(%s, %s, false)", x, compact)
	default:
		p.line("w.%s(%s)", f.element, x)
	}
}

// writeTags writes the tagged section: the fields that are not at their default.
func (p *printer) writeTags(s *goStruct, flexible versions) {
	tagged := s.tagged()
	if len(tagged) == 0 {
		p.line("w.uvarint(0)")
		return
	}
	p.line("section := w.tags()")
	for _, f := range tagged {
		_, condition := f.comparison()
		if within := f.in.within(flexible); within != "true" {
			if strings.Contains(condition, "||") {
				condition = "(" + condition + ")"
			}
			condition = within + " && " + condition
		}
		p.line("if %s {", condition)
		p.line("at := w.beginTag(section, %d)", *f.spec.Tag)
		p.writeField(s, f, true)
		p.line("w.endTag(at)\n}")
	}
}
