// Package picture shows what a scenario came to: as a timeline to read (text.go), two of them side by side (compare.go), and as
// a drawing (svg.go, area.go, page.go).
//
// Everything here is a function from results to bytes: the same result gives the same bytes. It plays nothing and decides
// nothing. Start reading at Text and at SVG.
package picture
