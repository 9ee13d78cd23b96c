package logs

import (
	"context"
	"encoding/base64"
	"slices"
	"sort"

	awslogs "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

// maxStreams is the most streams that DescribeLogStreams shows at a time, and how many it shows unless told (API reference).
const maxStreams = 50

// describeLogStreams shows the streams of a cluster by name.
func (a *api) describeLogStreams(_ context.Context, in *awslogs.DescribeLogStreamsInput) (*awslogs.DescribeLogStreamsOutput, error) {
	limit, err := limitOf(in.Limit, maxStreams)
	if err != nil {
		return nil, err
	}
	if in.OrderBy != "" && in.OrderBy != types.OrderByLogStreamName {
		return nil, invalid("orderBy %s is not supported by this version of Ballast yet; use LogStreamName. See docs/compatibility.md.", in.OrderBy)
	}
	state := a.State.Root()
	cluster, err := a.cluster(state, in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	after, err := base64.RawURLEncoding.DecodeString(value(in.NextToken))
	if err != nil {
		return nil, invalid("The specified nextToken is invalid.")
	}
	streams := list(state, cluster, value(in.LogStreamNamePrefix))
	if value(in.Descending) {
		slices.Reverse(streams)
	}
	if len(after) > 0 {
		passed := func(i int) bool {
			if value(in.Descending) {
				return streams[i].name < string(after)
			}
			return streams[i].name > string(after)
		}
		streams = streams[sort.Search(len(streams), passed):]
	}
	out := &awslogs.DescribeLogStreamsOutput{LogStreams: []types.LogStream{}}
	if len(streams) > limit {
		streams = streams[:limit]
		out.NextToken = new(base64.RawURLEncoding.EncodeToString([]byte(streams[limit-1].name)))
	}
	for i := range streams {
		out.LogStreams = append(out.LogStreams, a.show(cluster, &streams[i]))
	}
	return out, nil
}

// show gives a stream. Sizes are always 0, as CloudWatch has had it since 2019; the times of its events are left out, since
// telling them would mean to read the stream.
func (a *api) show(cluster string, s *stream) types.LogStream {
	arn := "arn:" + a.Names.Partition() + ":logs:" + a.Names.Region + ":" + a.Names.Account + ":log-group:" + GroupPrefix + cluster +
		":log-stream:" + s.name
	//lint:ignore SA1019 deprecated, and still part of every answer of CloudWatch Logs
	return types.LogStream{Arn: &arn, LogStreamName: &s.name, CreationTime: new(int64(s.task.CreatedAt)), StoredBytes: new(int64(0))}
}
