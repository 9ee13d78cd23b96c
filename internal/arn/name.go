package arn

import "strings"

// MaxName is the longest name of a cluster, service, family or container (ECS API reference, for example API_CreateService).
const MaxName = 255

// Pattern is the rule for names as ECS words it in its errors.
const Pattern = `^[a-zA-Z0-9\-_]+$`

// ValidName says whether s can name a cluster, service, family or container: 1 to 255 letters, digits, hyphens and underscores.
func ValidName(s string) bool {
	return s != "" && len(s) <= MaxName && only(s, isNameByte)
}

// ValidImage says whether s can name an image: at most 255 letters, digits and "-_:./#", and where a digest follows, SHA-256 in 64
// hexadecimal digits (API_ContainerDefinition).
func ValidImage(s string) bool {
	name, digest, pinned := strings.Cut(s, "@")
	if pinned {
		digits, sha256 := strings.CutPrefix(digest, "sha256:")
		if !sha256 || len(digits) != 64 || strings.Trim(digits, "0123456789abcdefABCDEF") != "" {
			return false
		}
	}
	return name != "" && len(name) <= MaxName &&
		only(name, func(c byte) bool { return isNameByte(c) || strings.IndexByte(":./#", c) >= 0 })
}

// ValidToken says whether s can be a client token: at most limit characters of ASCII 33-126 (API_RunTask: 64; API_CreateService:
// 36).
func ValidToken(s string, limit int) bool {
	return len(s) <= limit && only(s, func(c byte) bool { return c >= 33 && c <= 126 })
}

// MaxStartedBy is how many characters startedBy can have (API_RunTask).
const MaxStartedBy = 128

// ValidStartedBy says whether s can be given as startedBy: at most 128 letters, digits, hyphens, slashes and underscores
// (API_RunTask).
func ValidStartedBy(s string) bool {
	return len(s) <= MaxStartedBy && only(s, func(c byte) bool { return isNameByte(c) || c == '/' })
}

// ValidGroup says whether s can be given as the group of a task: at most 255 letters, digits, hyphens, underscores, colons and
// dots (developer guide, Group related Amazon ECS tasks).
func ValidGroup(s string) bool {
	return len(s) <= MaxName && only(s, func(c byte) bool { return isNameByte(c) || c == ':' || c == '.' })
}

// ValidRole says whether s can name an IAM role: the ARN or the short name (API_RegisterTaskDefinition, taskRoleArn). Roles
// live outside Ballast, so only the form is looked at.
func ValidRole(s string) bool {
	if a, ok := Parse(s); ok {
		name, isRole := strings.CutPrefix(a.Resource, "role/")
		return a.Service == "iam" && a.Region == "" && ValidAccount(a.Account) && isRole && name != "" && len(name) <= 512 &&
			only(name, func(c byte) bool { return isRoleByte(c) || c == '/' })
	}
	return s != "" && len(s) <= 64 && only(s, isRoleByte)
}

// ValidAccount says whether s is an account: 12 digits.
func ValidAccount(s string) bool {
	return len(s) == 12 && only(s, func(c byte) bool { return c >= '0' && c <= '9' })
}

func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

func isRoleByte(c byte) bool { return isNameByte(c) || strings.IndexByte("+=,.@", c) >= 0 }

func only(s string, allowed func(byte) bool) bool {
	for i := 0; i < len(s); i++ {
		if !allowed(s[i]) {
			return false
		}
	}
	return true
}
