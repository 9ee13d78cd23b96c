package scenario

import (
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"ballast/internal/ecs"
	"ballast/internal/scheduler/explain"
	"ballast/internal/sim"
)

// Bounds of what a deed holds.
const (
	maxDesired   = 1000
	maxBalancers = 5  // of a service (API_CreateService)
	maxRunCount  = 10 // tasks of one RunTask (API_RunTask)
	longestGone  = 24 * time.Hour
)

// act is the word for an Act of package sim, and how it is read and written.
type act struct {
	word string
	// made gives an act and its members; forms those of an act, nil if it is of another type.
	made  func() (sim.Act, []form)
	forms func(sim.Act) []form
}

func actOf[A any, P interface {
	*A
	sim.Act
}](word string, forms func(P) []form) act {
	return act{word: word,
		made: func() (sim.Act, []form) {
			a := P(new(A))
			return a, forms(a)
		},
		forms: func(a sim.Act) []form {
			if p, is := a.(P); is {
				return forms(p)
			}
			return nil
		}}
}

// acts are all that users do and that breaks.
var acts = []act{
	actOf("create", createForms),
	actOf("update", updateForms),
	actOf("delete", func(a *sim.Delete) []form {
		return append(serviceForms(&a.Cluster, &a.Service), flagForm("force", &a.Force, false))
	}),
	actOf("tag", func(a *sim.Tag) []form {
		return []form{must(nameForm("cluster", &a.Cluster)), nameForm("service", &a.Service), tagsForm("set", &a.Set),
			listForm("remove", &a.Remove, maxListed, "", func(key *string) form { return textForm("remove", key) })}
	}),
	actOf("protect", func(a *sim.Protect) []form {
		return []form{must(nameForm("cluster", &a.Cluster)), must(listForm("tasks", &a.Tasks, maxTasks, 0, func(n *int) form { return countForm("tasks", n, 1, 1<<31-1, 0) })),
			durationForm("for", &a.For, 0)}
	}),
	actOf("run", runForms),
	actOf("repeat", func(a *sim.Repeat) []form { return []form{must(textForm("token", &a.Token))} }),
	actOf("stop", func(a *sim.Stop) []form {
		return []form{must(nameForm("cluster", &a.Cluster)), taskForm("task", &a.Task)}
	}),

	actOf("cut", func(a *sim.Cut) []form {
		return []form{must(hostForm(&a.Host)), must(wayForm(&a.Up, &a.Down)), must(goneForm(&a.For))}
	}),
	actOf("kill", func(a *sim.Kill) []form {
		return []form{hostForm(&a.Host), taskForm("task", &a.Task), nameForm("container", &a.Container)}
	}),
	actOf("failDriver", func(a *sim.FailDriver) []form {
		return []form{must(hostForm(&a.Host)), must(countForm("calls", &a.Calls, 1, 1000, 0))}
	}),
	actOf("blind", func(a *sim.Blind) []form {
		return []form{must(hostForm(&a.Host)), countForm("tries", &a.Tries, 0, 1000, 0)}
	}),
	actOf("forget", func(a *sim.Forget) []form { return []form{must(hostForm(&a.Host))} }),
	actOf("stopAgent", func(a *sim.StopAgent) []form { return []form{must(hostForm(&a.Host)), must(goneForm(&a.For))} }),
	actOf("reboot", func(a *sim.Reboot) []form { return []form{must(hostForm(&a.Host)), must(goneForm(&a.For))} }),
	actOf("crashControl", func(a *sim.CrashControl) []form { return []form{must(goneForm(&a.For))} }),
	actOf("cutTargets", func(a *sim.CutTargets) []form { return []form{must(hostForm(&a.Host)), must(goneForm(&a.For))} }),
	actOf("stopBalancer", func(a *sim.StopBalancer) []form { return []form{must(goneForm(&a.For))} }),
	actOf("setClock", func(a *sim.SetClock) []form { return []form{hostForm(&a.Host), skewForm("ahead", &a.Skew)} }),
}

func serviceForms(cluster, service *string) []form {
	return []form{must(nameForm("cluster", cluster)), must(nameForm("service", service))}
}

func createForms(a *sim.Create) []form {
	s := &a.Service
	return append(serviceForms(&s.Cluster, &s.Name),
		must(countForm("desired", &s.Desired, 0, maxDesired, -1)),
		must(countForm("minimumHealthyPercent", &s.MinimumHealthyPercent, 0, 200, -1)),
		must(countForm("maximumPercent", &s.MaximumPercent, 0, 1000, -1)),
		countForm("gracePeriod", &s.GracePeriod, 0, 1<<31-1, 0),
		partForm("breaker", func() bool { return s.Breaker != ecs.Breaker{} }, func() []form { return breakerForms(&s.Breaker) }),
		tagsForm("tags", &s.Tags),
		wordForm("propagateTags", &s.PropagateTags, "NONE", "TASK_DEFINITION", "SERVICE"),
		flagForm("managedTags", &s.EnableECSManagedTags, false),
		recordsForm("loadBalancers", &s.LoadBalancers, maxBalancers, ecs.LoadBalancer{}, func(lb *ecs.LoadBalancer) []form {
			return []form{must(textForm("targetGroupArn", &lb.TargetGroup)), must(nameForm("containerName", &lb.Container)),
				must(countForm("containerPort", &lb.Port, 1, 1<<16-1, 0))}
		}),
		textForm("token", &a.Token),
		must(definitionForm(&a.Definition)),
	)
}

func updateForms(a *sim.Update) []form {
	return append(serviceForms(&a.Cluster, &a.Service),
		maybeForm("desired", &a.Desired, 0, maxDesired),
		maybeForm("minimumHealthyPercent", &a.MinimumHealthyPercent, 0, 200),
		maybeForm("maximumPercent", &a.MaximumPercent, 0, 1000),
		maybeForm("gracePeriod", &a.GracePeriod, 0, 1<<31-1),
		pointerForm("breaker", &a.Breaker, ecs.Breaker{}, breakerForms),
		flagForm("force", &a.Force, false),
		form{name: "definition", read: func(n *yaml.Node) error {
			a.Definition = &ecs.TaskDefinition{}
			return definitionForm(a.Definition).read(n)
		}, write: func() *yaml.Node {
			if a.Definition == nil {
				return nil
			}
			return definitionForm(a.Definition).write()
		}},
	)
}

func breakerForms(b *ecs.Breaker) []form {
	return []form{
		flagForm("enable", &b.Enabled, false),
		flagForm("rollback", &b.Rollback, false),
		flagForm("cumulative", &b.Cumulative, false),
		wordForm("type", &b.Type, "BOUNDED_PERCENT", "UNBOUNDED_PERCENT", "COUNT"),
		countForm("value", &b.Value, 0, 1<<31-1, 0),
	}
}

func runForms(a *sim.RunTasks) []form {
	return []form{
		must(nameForm("cluster", &a.Cluster)),
		must(textForm("startedBy", &a.StartedBy)),
		textForm("token", &a.Token),
		must(countForm("count", &a.Count, 1, maxRunCount, 0)),
		pointerForm("overrides", &a.Overrides, ecs.Overrides{}, func(o *ecs.Overrides) []form {
			return []form{countForm("cpu", &o.CPU, 0, 1<<20, 0), countForm("memory", &o.Memory, 0, 1<<30, 0),
				recordsForm("containerOverrides", &o.Containers, maxContainers, ecs.ContainerOverride{}, func(c *ecs.ContainerOverride) []form {
					return []form{must(nameForm("name", &c.Name)), recordsForm("environment", &c.Environment, maxListed, ecs.Variable{}, variableForms)}
				})}
		}),
		must(definitionForm(&a.Definition)),
	}
}

// tagsForm is a list of tags; those that Ballast acts on are checked by control's caller, the API, and so here.
func tagsForm(name string, to *[]ecs.Tag) form {
	return recordsForm(name, to, ecs.MaxTags, ecs.Tag{}, func(t *ecs.Tag) []form { return []form{must(textForm("key", &t.Key)), textForm("value", &t.Value)} })
}

func taskForm(name string, to *int) form { return countForm(name, to, 0, 1<<31-1, 0) }

func hostForm(to *int) form { return countForm("host", to, 0, maxHosts, 0) }

// goneForm is for how long something is away.
func goneForm(to *time.Duration) form {
	return form{name: "for", read: func(n *yaml.Node) error {
		if err := readDuration(to)(n); err != nil {
			return err
		}
		if *to > longestGone {
			return mistakef(n, "want at most %v, not %v", longestGone, *to)
		}
		return nil
	}, write: func() *yaml.Node { return bare(explain.Spell(*to)) }}
}

// wayForm says in which direction nothing passes.
func wayForm(up, down *bool) form {
	words := [...]string{"neither", "up", "down", "both"}
	way := uint8(0)
	return form{name: "way", read: func(n *yaml.Node) error {
		err := wordForm("way", &way, words[:]...).read(n)
		*up, *down = way&1 != 0, way&2 != 0
		if err == nil && way == 0 {
			return mistakef(n, "want up or down or both")
		}
		return err
	}, write: func() *yaml.Node {
		i := 0
		if *up {
			i |= 1
		}
		if *down {
			i |= 2
		}
		return word(words[i])
	}}
}

// readDeed reads one deed of a history: when, and one act.
func readDeed(n *yaml.Node) (d sim.Deed, err error) {
	known := map[string]field{"at": readDuration(&d.At)}
	for _, a := range acts {
		known[a.word] = func(n *yaml.Node) error {
			if d.Act != nil {
				return mistakef(n, "want one thing to happen; the next is a deed of its own")
			}
			made, forms := a.made()
			d.Act = made
			return readForms(n, a.word, forms)
		}
	}
	if err := readFields(n, "a deed", known); err != nil {
		return d, err
	}
	switch {
	case member(n, "at") == nil:
		return d, mistakef(n, `a deed: "at" is missing`)
	case d.Act == nil:
		delete(known, "at")
		return d, mistakef(n, "nothing happens: want one of %s", names(known))
	}
	return d, nil
}

// writeAct gives the word of an act and its members, in one line.
func writeAct(a sim.Act) (string, *yaml.Node) {
	for _, known := range acts {
		if forms := known.forms(a); forms != nil {
			return known.word, writeForms(forms)
		}
	}
	panic("scenario: an act has no word") // TestEveryActHasAWord
}

// widest is how many characters a deed may have that stands in one line.
const widest = 150

// writeDeed gives a deed, in one line where that is not too long.
func writeDeed(d sim.Deed) *yaml.Node {
	name, members := writeAct(d.Act)
	node := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Style: yaml.FlowStyle,
		Content: []*yaml.Node{word("at"), bare(explain.Spell(d.At)), word(name), members}}
	if text := oneLine(node); len(text) > widest {
		node.Style, members.Style = 0, 0
	}
	return node
}

// oneLine gives a node as it stands in one line.
func oneLine(n *yaml.Node) string {
	text, err := yaml.Marshal(n)
	if err != nil {
		panic(err) // nodes made here
	}
	return strings.TrimSpace(string(text))
}
