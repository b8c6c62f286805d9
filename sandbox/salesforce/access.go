package salesforce

import "fmt"

// visible is the schema as the integration user sees it: field-level security hides
// fields, or keeps them from being written. The org, and its other users, know all.
func visible(cfg Config, all map[string]*object) (map[string]*object, error) {
	for _, name := range cfg.OptOutOn {
		if name != "Lead" && name != "Contact" {
			return nil, fmt.Errorf("OptOutOn: %q is neither Lead nor Contact", name)
		}
	}
	shown := map[string]*object{}
	for name, o := range all {
		shown[name] = &object{name: o.name, fields: append([]field(nil), o.fields...), writes: o.writes}
	}
	hide := func(o *object, at int) { o.fields = append(o.fields[:at], o.fields[at+1:]...) }
	lock := func(o *object, at int) { o.fields[at].create, o.fields[at].update = false, false }
	if err := restrict("HiddenFields", cfg.HiddenFields, shown, hide); err != nil {
		return nil, err
	}
	if err := restrict("ReadOnlyFields", cfg.ReadOnlyFields, shown, lock); err != nil {
		return nil, err
	}
	for _, o := range shown {
		o.index()
	}
	return shown, nil
}

// restrict does something to the named fields of objects.
func restrict(option string, fields map[string][]string, in map[string]*object, do func(o *object, at int)) error {
	for object, names := range fields {
		o := in[lower(object)]
		if o == nil {
			return fmt.Errorf("%s: there is no object %q", option, object)
		}
		for _, name := range names {
			at := o.position(name)
			if at < len(standard()) { // those that every object has are for everybody
				return fmt.Errorf("%s: no field %q of %s can be restricted", option, name, o.name)
			}
			do(o, at)
		}
	}
	return nil
}

// position is where a field stands among an object's; -1 if it is not there.
func (o *object) position(name string) int {
	for i, f := range o.fields {
		if lower(f.name) == lower(name) {
			return i
		}
	}
	return -1
}
