package main

import "fmt"

// decode writes the method that reads s.
func (p *printer) decode(s *goStruct) {
	body := &printer{}
	if s.schema != "" && s.skips() {
		body.line("x.Default()")
	}
	body.untagged(s, func(f *goField) { body.readField(s, f, false) })
	flexible := s.message.flexible.intersect(s.in)
	body.when(flexibleName(flexible.within(s.in)), func() { body.readTags(s, flexible) })
	p.method(s, "decode(r *Reader, version int16)", body)
}

// readField writes the statements that read one field.
func (p *printer) readField(s *goStruct, f *goField, tagged bool) {
	x, compact, nullable := "x."+f.name, f.compact(s, tagged), f.nullable.within(f.in)
	switch {
	case f.isCode():
		p.line("%s = Code(r.int16(%q))", x, f.label)
	case f.kind == kindArray:
		p.line("%s = array[%s](r, %q, %s, %s, %d)", x, f.elementGoType(), f.label, compact, nullable, f.elementBytesMin())
		p.line("for i := 0; i < len(%s) && r.err == nil; i++ {", x)
		p.readElement(x+"[i]", f, compact)
		p.line("}")
	case f.kind == kindStruct && f.nullable.some:
		present := "present"
		if tagged {
			present = "presentTagged"
		}
		p.line("%s = nil", x)
		p.line("if r.%s(%q) {", present, f.label)
		p.line("%s = structOf[%s](r, %q)", x, f.of.name, f.label)
		p.line("%s.decode(r, version)\n}", x)
	case f.kind == kindStruct:
		p.line("%s.decode(r, version)", x)
	case f.goType() == "*string":
		p.line("%s = r.nullableString(%q, %s, %s)", x, f.label, compact, nullable)
	case f.kind == kindString:
		p.line("%s = r.string(%q, %s)", x, f.label, compact)
	case f.goType() == "Payload":
		p.line("%s = r.payload(%q, %s, %s)", x, f.label, compact, nullable)
	case f.kind.hasLength():
		p.line("%s = r.bytes(%q, %s, %s)", x, f.label, compact, nullable)
	default:
		p.line("%s = r.%s(%q)", x, f.kind, f.label)
	}
}

func (p *printer) readElement(x string, f *goField, compact string) {
	switch f.element {
	case kindStruct:
		p.line("%s.decode(r, version)", x)
	case kindString:
		p.line("%s = r.string(%q, %s)", x, f.label, compact)
	case kindBytes:
		p.line("%s = r.bytes(%q, %s, false)", x, f.label, compact)
	default:
		p.line("%s = r.%s(%q)", x, f.element, f.label)
	}
}

// readTags writes the reading of the tagged section.
func (p *printer) readTags(s *goStruct, flexible versions) {
	tagged := s.tagged()
	if len(tagged) == 0 {
		p.line("r.skipTags()")
		return
	}
	p.line("for n := r.tags(); n > 0 && r.err == nil; n-- {")
	p.line("tag, outer := r.beginTag()")
	p.line("switch {")
	for _, f := range tagged {
		condition := fmt.Sprintf("tag == %d && r.err == nil", *f.spec.Tag)
		if within := f.in.within(flexible); within != "true" {
			condition += " && " + within
		}
		p.line("case %s:", condition)
		p.readField(s, f, true)
		p.line("r.endTag(%q, outer)", f.label)
	}
	p.line("default:\nr.skipTag(outer)\n}\n}")
}
