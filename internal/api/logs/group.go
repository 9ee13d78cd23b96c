package logs

import (
	"cmp"
	"context"
	"encoding/base64"
	"slices"
	"strings"

	awslogs "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"ballast/internal/arn"
	"ballast/internal/control/root"
	"ballast/internal/ecs"
)

// GroupPrefix begins the name of the log group of a cluster; the cluster's name follows.
const GroupPrefix = "/ballast/"

// group is a log group: what the containers of a cluster wrote that name none, what those of some families wrote that name this
// one, or, should a family name the group of a cluster, both.
type group struct {
	name     string
	cluster  string   // "" for none
	families []string // sorted
}

// groupNamed gives the group of a name; ok is false if there is none.
func groupNamed(state *root.Root, name string) (g group, ok bool) {
	g = group{name: name, families: state.LogGroupFamilies(name)}
	if cluster, ours := strings.CutPrefix(name, GroupPrefix); ours && state.Cluster(cluster) != nil {
		g.cluster = cluster
	}
	return g, g.cluster != "" || len(g.families) > 0
}

// group finds the group that a request means: a name or an ARN, given in one of two members. Texts are those of CloudWatch Logs.
func (a *api) group(state *root.Root, name, identifier *string) (group, error) {
	if (value(name) != "") == (value(identifier) != "") {
		return group{}, invalid("You must include either logGroupIdentifier or logGroupName, but not both.")
	}
	given, err := a.groupName(cmp.Or(value(name), value(identifier)))
	if err != nil {
		return group{}, err
	}
	g, ok := groupNamed(state, given)
	if !ok {
		return group{}, ecs.Errorf(ecs.ResourceNotFoundException, "The specified log group does not exist.")
	}
	return g, nil
}

// groupName takes the name of a group out of its ARN; a name is one already.
func (a *api) groupName(identifier string) (string, error) {
	parsed, ok := arn.Parse(identifier)
	if !ok {
		return identifier, nil
	}
	name, isGroup := strings.CutPrefix(parsed.Resource, "log-group:")
	if !isGroup || parsed.Service != "logs" || parsed.Region != a.Names.Region || parsed.Account != a.Names.Account {
		return "", invalid("Invalid log group identifier: %s", identifier)
	}
	return strings.TrimSuffix(name, ":*"), nil
}

func (a *api) groupARN(name string) string {
	return "arn:" + a.Names.Partition() + ":logs:" + a.Names.Region + ":" + a.Names.Account + ":log-group:" + name
}

// maxGroups is the most log groups that DescribeLogGroups shows at a time, and how many it shows unless told (API reference).
const maxGroups = 50

// describeLogGroups shows log groups by name.
func (a *api) describeLogGroups(_ context.Context, in *awslogs.DescribeLogGroupsInput) (*awslogs.DescribeLogGroupsOutput, error) {
	limit, err := limitOf(in.Limit, maxGroups)
	if err != nil {
		return nil, err
	}
	if err := checkGroupFilters(in); err != nil {
		return nil, err
	}
	after, err := base64.RawURLEncoding.DecodeString(value(in.NextToken))
	if err != nil {
		return nil, invalid("The specified nextToken is invalid.")
	}
	var named map[string]bool
	for _, id := range in.LogGroupIdentifiers {
		name, err := a.groupName(id)
		if err != nil {
			return nil, err
		}
		if named == nil {
			named = map[string]bool{}
		}
		named[name] = true
	}
	out := &awslogs.DescribeLogGroupsOutput{LogGroups: []types.LogGroup{}}
	for _, g := range groups(a.State.Root(), value(in.LogGroupNamePrefix)) {
		if g.Name <= string(after) || !strings.Contains(g.Name, value(in.LogGroupNamePattern)) || named != nil && !named[g.Name] ||
			in.LogGroupClass != "" && in.LogGroupClass != types.LogGroupClassStandard {
			continue
		}
		if len(out.LogGroups) == limit {
			out.NextToken = new(base64.RawURLEncoding.EncodeToString([]byte(*out.LogGroups[limit-1].LogGroupName)))
			break
		}
		group := a.groupARN(g.Name)
		out.LogGroups = append(out.LogGroups, types.LogGroup{LogGroupName: &g.Name, LogGroupArn: &group, Arn: new(group + ":*"),
			CreationTime: new(int64(g.Since)), LogGroupClass: types.LogGroupClassStandard, MetricFilterCount: new(int32(0))})
	}
	return out, nil
}

func checkGroupFilters(in *awslogs.DescribeLogGroupsInput) error {
	switch {
	case in.LogGroupNamePrefix != nil && in.LogGroupNamePattern != nil:
		return invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
	case len(in.AccountIdentifiers) > 0:
		return invalid("accountIdentifiers is not supported by this version of Ballast yet; remove it. See docs/compatibility.md.")
	case value(in.IncludeLinkedAccounts):
		return invalid("includeLinkedAccounts is not supported by this version of Ballast yet; remove it. See docs/compatibility.md.")
	case len(in.LogGroupIdentifiers) > maxGroups:
		return invalid("1 validation error detected: Value at 'logGroupIdentifiers' failed to satisfy constraint: "+
			"Member must have length less than or equal to %d", maxGroups)
	}
	return nil
}

// statePage is how many records are taken from the state at a time.
const statePage = 1000

// groups gives the log groups whose names begin with prefix, by name.
func groups(state *root.Root, prefix string) []root.LogGroup {
	var out []root.LogGroup
	for after := ""; ; {
		page := state.Clusters(after, statePage)
		for _, c := range page {
			if name := GroupPrefix + c.Name; strings.HasPrefix(name, prefix) {
				out = append(out, root.LogGroup{Name: name, Since: c.CreatedAt})
			}
		}
		if len(page) < statePage {
			break
		}
		after = page[len(page)-1].Name
	}
	for after := ""; ; {
		page := state.LogGroups(prefix, after, statePage)
		out = append(out, page...)
		if len(page) < statePage {
			break
		}
		after = page[len(page)-1].Name
	}
	slices.SortStableFunc(out, func(a, b root.LogGroup) int { return cmp.Compare(a.Name, b.Name) })
	return slices.CompactFunc(out, func(a, b root.LogGroup) bool { return a.Name == b.Name })
}
