package picture

import (
	"fmt"
	"strings"
	"time"
)

// hues is how many deployments have colours of their own; later ones begin again.
const hues = 4

// style is that of the page: the colours by meaning, once for light and once for dark surroundings.
const style = `svg{--paper:#fff;--ink:#1c2128;--quiet:#656d76;--grid:#e3e6ea;--bad:#d1342f;--stop:#a8b0ba;--mark:#b35900;--good:#1a7f4b;
--d0:#2f6fde;--d1:#12998a;--d2:#8250df;--d3:#c27803;font:12px system-ui,-apple-system,"Segoe UI",sans-serif}
@media(prefers-color-scheme:dark){svg{--paper:#14181d;--ink:#e4e8ed;--quiet:#9aa4af;--grid:#2b3138;--bad:#f0625c;--stop:#59626d;--mark:#f0a04b;
--good:#3fb97a;--d0:#5b93f5;--d1:#35c2b1;--d2:#a984f5;--d3:#e0a03a}}
.paper{fill:var(--paper)}text{fill:var(--ink)}.title{font-size:17px;font-weight:600}.sub,.tick,.key{fill:var(--quiet)}.tick{font-size:11px}
.name{font-weight:600}.grid{stroke:var(--grid);fill:none}.d0{--hue:var(--d0)}.d1{--hue:var(--d1)}.d2{--hue:var(--d2)}.d3{--hue:var(--d3)}
.healthy{fill:var(--hue)}.warming{fill:var(--hue);fill-opacity:.6}.pending{fill:var(--hue);fill-opacity:.25}.unhealthy{fill:var(--bad)}
.stopping{fill:var(--stop);fill-opacity:.55}.desired,.most,.fewest{fill:none;stroke:var(--ink);stroke-width:1.5}
.most{stroke-dasharray:6 4;stroke-width:1}.fewest{stroke-dasharray:1.5 3;stroke-width:1.5}.outside{stroke:var(--mark);fill:none;stroke-dasharray:3 3}
.number{fill:var(--mark);font-weight:600}.event{fill:var(--quiet)}.steady{fill:var(--good)}`

// bytes closes the page.
func (p *page) bytes() []byte {
	r := p.results[0]
	height := p.y + lineHeight
	policies := r.Policy
	for _, other := range p.results[1:] {
		policies += " and " + other.Policy
	}
	var b strings.Builder
	fmt.Fprintf(&b, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %s\" role=\"img\">\n<title>%s</title>\n<style>%s</style>\n",
		pageWidth, num(height), escape(r.Scenario), style)
	fmt.Fprintf(&b, "<rect class=\"paper\" width=\"%d\" height=\"%s\"/>\n", pageWidth, num(height))
	fmt.Fprintf(&b, "<text class=\"title\" x=\"%d\" y=\"26\">%s</text>\n<text class=\"sub\" x=\"%d\" y=\"44\">%s of virtual time, policy %s, seed %d</text>\n",
		leftEdge, escape(r.Scenario), leftEdge, round(time.Duration(p.length)), policies, r.Seed)
	b.WriteString(p.body.String())
	b.WriteString("</svg>\n")
	return []byte(b.String())
}

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")

func escape(text string) string { return escaper.Replace(text) }
