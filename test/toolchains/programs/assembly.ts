/** Programs in x86-64 assembly, on bare system calls. */
import type { Programs } from "./Programs.js"

const exit = (status: number) => `  mov eax, 60\n  mov edi, ${status}\n  syscall\n`
const writeBuffer = "  mov eax, 1\n  mov edi, 1\n  mov rsi, buffer\n  syscall\n"
const start = (body: string, data = "") =>
  `global _start\nsection .bss\nbuffer: resb 128\nsection .data\n${data}section .text\n_start:\n${body}`

export const assembly: Programs = {
  fibonacci: start(
    `  xor r12d, r12d\n  mov r13d, 1\n  mov r14d, 11\nnext:\n  mov eax, r12d\n  mov rsi, buffer + 15\n  mov byte [rsi], 10\n  mov ecx, 10\ndigit:\n  xor edx, edx\n  div ecx\n  add dl, '0'\n  dec rsi\n  mov [rsi], dl\n  test eax, eax\n  jnz digit\n  mov rdx, buffer + 16\n  sub rdx, rsi\n  mov eax, 1\n  mov edi, 1\n  syscall\n  mov eax, r12d\n  add eax, r13d\n  mov r12d, r13d\n  mov r13d, eax\n  dec r14d\n  jnz next\n${exit(0)}`
  ),
  stdin: start(
    `  mov eax, 1\n  mov edi, 1\n  mov rsi, got\n  mov edx, 4\n  syscall\n  xor eax, eax\n  xor edi, edi\n  mov rsi, buffer\n  mov edx, 128\n  syscall\n  mov edx, eax\n${writeBuffer}${exit(0)}`,
    'got: db "got "\n'
  ),
  // The environment lies above the arguments on the stack; the value is told by its name's first letters.
  env: start(
    `  mov rax, [rsp]\n  lea rbx, [rsp + rax * 8 + 16]\nnext:\n  mov rsi, [rbx]\n  add rbx, 8\n  mov rax, [rsi]\n  cmp rax, [name]\n  jne next\n  add rsi, 9\n  mov edx, 7\n  mov eax, 1\n  mov edi, 1\n  syscall\n${exit(0)}`,
    'name: db "GREETING"\n'
  ),
  file: start(
    `  mov eax, 2\n  mov rdi, path\n  xor esi, esi\n  syscall\n  mov edi, eax\n  xor eax, eax\n  mov rsi, buffer\n  mov edx, 128\n  syscall\n  mov edx, eax\n${writeBuffer}${exit(0)}`,
    'path: db "/tmp/input/data.txt", 0\n'
  ),
  crash: start(exit(3)),
  loop: start("again:\n  jmp again\n"),
  broken: start("  no_such_instruction eax, 1\n")
}
