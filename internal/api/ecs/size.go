package ecs

import (
	"strconv"
	"strings"

	"ballast/internal/ecs"
)

// What the cpu of a whole task may be, in CPU units (API_RegisterTaskDefinition: 0.125 to 192 vCPUs on EC2 and external
// instances).
const (
	minTaskCPU = 128
	maxTaskCPU = 196608
)

// minMemory is the least memory of a container in MiB. The API reference says that Docker up to 19.03 needs 4 and newer ones
// 6; ECS accepts what the older needs.
const minMemory = 4

// maxMemory is more MiB than any host has (64 TiB); it keeps sums far from overflowing.
const maxMemory = 64 << 20

// cpuUnits reads the cpu of a task: CPU units ("1024") or vCPUs ("1 vCPU", ".5 vcpu").
func cpuUnits(s string) (int, error) {
	units, ok := quantity(s, "vcpu")
	if !ok || units < minTaskCPU || units > maxTaskCPU {
		return 0, badSetting("cpu")
	}
	return units, nil
}

// mebibytes reads the memory of a task: MiB ("512") or GB ("0.5GB", "1 gb").
func mebibytes(s string) (int, error) {
	size, ok := quantity(s, "gb")
	if !ok || size < minMemory || size > maxMemory {
		return 0, badSetting("memory")
	}
	return size, nil
}

// badSetting has the text of the developer guide, Invalid CPU or memory errors.
func badSetting(field string) error {
	return ecs.Errorf(ecs.ClientException, "Invalid '%s' setting for task. "+
		"For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.", field)
}

// quantity reads a whole number, or a decimal number of the unit, which is 1,024 times as much.
func quantity(s, unit string) (int, bool) {
	s = strings.ToLower(strings.TrimSpace(s))
	number, inUnits := strings.CutSuffix(s, unit)
	number = strings.TrimSpace(number)
	if number == "" || strings.Trim(number, "0123456789.") != "" || len(number) > 15 {
		return 0, false
	}
	if !inUnits {
		n, err := strconv.Atoi(number)
		return n, err == nil
	}
	f, err := strconv.ParseFloat(number, 64)
	n := f * 1024
	if err != nil || n != float64(int(n)) || n > 1<<31-1 {
		return 0, false
	}
	return int(n), true
}
