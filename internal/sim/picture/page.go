package picture

import (
	"fmt"
	"strings"
	"time"

	"ballast/internal/scheduler/explain"
)

// hues is how many deployments have colours of their own; later ones begin again.
const hues = 4

// style is that of the page: first for light surroundings, then what differs in dark ones. It has no variables, which not every
// program that shows drawings knows.
const style = `svg{font:12px system-ui,-apple-system,"Segoe UI",sans-serif;background:#fff}
.paper{fill:#fff}text{fill:#1c2128}.title{font-size:17px;font-weight:600}.name{font-weight:600}.sub,.tick,.key{fill:#656d76}.tick{font-size:11px}
.grid{stroke:#e3e6ea;fill:none}.d0{fill:#2f6fde}.d1{fill:#12998a}.d2{fill:#8250df}.d3{fill:#c27803}.unhealthy{fill:#d1342f}.stopping{fill:#a8b0ba;fill-opacity:.6}
.warming{fill-opacity:.6}.pending{fill-opacity:.28}.desired,.most,.fewest{fill:none;stroke:#1c2128;stroke-width:1.5}
.most{stroke-dasharray:6 4;stroke-width:1}.fewest{stroke-dasharray:1.5 3}.outside{stroke:#b35900;fill:none;stroke-dasharray:3 3}
.number{fill:#b35900;font-weight:600}.event{fill:#8c959f}.steady{fill:#1a7f4b}
@media(prefers-color-scheme:dark){svg{background:#14181d}.paper{fill:#14181d}text{fill:#e4e8ed}.sub,.tick,.key{fill:#9aa4af}.grid{stroke:#2b3138}
.d0{fill:#5b93f5}.d1{fill:#35c2b1}.d2{fill:#a984f5}.d3{fill:#e0a03a}.unhealthy{fill:#f0625c}.stopping{fill:#59626d}
.desired,.most,.fewest{stroke:#e4e8ed}.outside{stroke:#f0a04b}.number{fill:#f0a04b}.steady{fill:#3fb97a}}`

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
		leftEdge, escape(r.Scenario), leftEdge, explain.Spell(time.Duration(p.length)), policies, r.Seed)
	b.WriteString(p.body.String())
	b.WriteString("</svg>\n")
	return []byte(b.String())
}

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")

func escape(text string) string { return escaper.Replace(text) }
