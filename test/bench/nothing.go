package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
)

// doesNothing is, by architecture, a program of a few instructions that ends with 0: exit(2) as Linux has it. No other program costs
// the system less, so what a check of it costs is what checking costs; a shell's libraries alone take longer.
var doesNothing = map[string]struct {
	machine elf.Machine
	code    []byte
}{
	"amd64": {elf.EM_X86_64, []byte{0x31, 0xff, 0xb8, 60, 0, 0, 0, 0x0f, 0x05}},                   // xor edi,edi; mov eax,60; syscall
	"arm64": {elf.EM_AARCH64, []byte{0, 0, 0x80, 0xd2, 0xa8, 0x0b, 0x80, 0xd2, 0x01, 0, 0, 0xd4}}, // mov x0,0; mov x8,93; svc 0
}

// writeNothing writes the program for this machine.
func writeNothing(path string) error {
	p, known := doesNothing[runtime.GOARCH]
	if !known {
		return fmt.Errorf("no program that does nothing is known for %s", runtime.GOARCH)
	}
	const at = 0x400000
	header := elf.Header64{Type: uint16(elf.ET_EXEC), Machine: uint16(p.machine), Version: uint32(elf.EV_CURRENT), Phnum: 1}
	copy(header.Ident[:], elf.ELFMAG)
	header.Ident[elf.EI_CLASS], header.Ident[elf.EI_DATA], header.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)
	segment := elf.Prog64{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_X), Vaddr: at, Align: 1 << 16}
	sizes := binary.Size(header) + binary.Size(segment)
	header.Ehsize, header.Phentsize, header.Phoff = uint16(binary.Size(header)), uint16(binary.Size(segment)), uint64(binary.Size(header))
	header.Entry = at + uint64(sizes)
	segment.Filesz = uint64(sizes + len(p.code))
	segment.Memsz = segment.Filesz
	var file bytes.Buffer
	for _, part := range []any{header, segment, p.code} {
		if err := binary.Write(&file, binary.LittleEndian, part); err != nil {
			return fmt.Errorf("write a program that does nothing: %w", err)
		}
	}
	return os.WriteFile(path, file.Bytes(), 0o755)
}
