package ecs

import (
	"context"

	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/ecs"
)

// longFormats are the settings that hold: ARNs have the long form, and nothing can change that. ECS has the same default since
// April 2021 (developer guide, Account settings). Every other setting would have no effect and is refused by name.
var longFormats = []types.SettingName{types.SettingNameServiceLongArnFormat, types.SettingNameTaskLongArnFormat,
	types.SettingNameContainerInstanceLongArnFormat}

// setting shows one of them, as a default of the account: it holds for every principal.
func (a *API) setting(name types.SettingName) *types.Setting {
	return &types.Setting{Name: name, Value: new("enabled"), PrincipalArn: new("arn:" + a.names.Partition() + ":iam::" + a.names.Account + ":root"),
		Type: types.SettingTypeUser}
}

// ListAccountSettings shows the settings that hold.
func (a *API) ListAccountSettings(_ context.Context, in *awsecs.ListAccountSettingsInput) (*awsecs.ListAccountSettingsOutput, error) {
	if in.Value != nil && in.Name == "" {
		return nil, ecs.Errorf(ecs.InvalidParameterException, "A value can only be given together with a name.")
	}
	const most = 10 // API_ListAccountSettings; there are fewer, so the first page is the only one
	if in.MaxResults < 0 || in.MaxResults > most {
		return nil, ecs.Errorf(ecs.InvalidParameterException, "maxResults should be between 1 and %d", most)
	}
	limit := most
	if in.MaxResults > 0 {
		limit = int(in.MaxResults)
	}
	s := scope{"ListAccountSettings", string(in.Name), value(in.Value)}
	after, err := s.position(in.NextToken)
	if err != nil {
		return nil, err
	}
	var found []types.Setting
	for _, name := range longFormats {
		if (in.Name == "" || in.Name == name) && (in.Value == nil || *in.Value == "enabled") && string(name) != after {
			found = append(found, *a.setting(name))
		}
		if string(name) == after {
			found = nil // all up to here has been shown
		}
	}
	settings, next := list(page{scope: s, limit: limit}, found, func(s types.Setting) string { return string(s.Name) },
		func(s types.Setting) types.Setting { return s })
	return &awsecs.ListAccountSettingsOutput{Settings: settings, NextToken: next}, nil
}

// PutAccountSetting accepts what holds anyway.
func (a *API) PutAccountSetting(_ context.Context, in *awsecs.PutAccountSettingInput) (*awsecs.PutAccountSettingOutput, error) {
	if err := checkSetting(in.Name, in.Value); err != nil {
		return nil, err
	}
	return &awsecs.PutAccountSettingOutput{Setting: a.setting(in.Name)}, nil
}

// PutAccountSettingDefault accepts what holds anyway.
func (a *API) PutAccountSettingDefault(_ context.Context, in *awsecs.PutAccountSettingDefaultInput) (*awsecs.PutAccountSettingDefaultOutput, error) {
	if err := checkSetting(in.Name, in.Value); err != nil {
		return nil, err
	}
	return &awsecs.PutAccountSettingDefaultOutput{Setting: a.setting(in.Name)}, nil
}

// DeleteAccountSetting goes back to the default, which holds anyway.
func (a *API) DeleteAccountSetting(_ context.Context, in *awsecs.DeleteAccountSettingInput) (*awsecs.DeleteAccountSettingOutput, error) {
	if err := checkSetting(in.Name, new("enabled")); err != nil {
		return nil, err
	}
	return &awsecs.DeleteAccountSettingOutput{Setting: a.setting(in.Name)}, nil
}

// checkSetting refuses what is left out; the table of fields refuses everything but "enabled". The text on values is that of
// real accounts (aws/aws-cli#3785).
func checkSetting(name types.SettingName, given *string) error {
	switch {
	case name == "":
		return ecs.Errorf(ecs.InvalidParameterException, "Name can not be blank.")
	case value(given) == "":
		return ecs.Errorf(ecs.InvalidParameterException, "Invalid setting 'value'")
	}
	return nil
}
