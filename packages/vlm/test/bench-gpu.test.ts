/** The benchmark for a GPU, as far as a machine without one goes: it is to work on the first day with one. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../..', import.meta.url))

function bench(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((settle) => {
    const file = 'packages/vlm/bench/gpu.mjs'
    execFile(
      process.execPath,
      ['scripts/bench.mjs', file, ...args],
      { cwd: root },
      (error, stdout, stderr) => {
        settle({ code: Number(error?.code ?? 0), stdout, stderr })
      },
    )
  })
}

test('bench:gpu on the CPU with the tiny shape: correctness, then phases, tokens, share of the peak and memory', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'evolmm-bench-gpu-'))
  try {
    const { code, stdout, stderr } = await bench(
      '--device=cpu',
      '--shapes=tiny',
      '--iterations=1',
      `--folder=${folder}`,
    )
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/gradient +0\.0e\+0\n +greedy tokens +the same\n/)
    expect(stdout).toMatch(/sample five answers +\d+\.\d{3}[^]*total +\d+\.\d{3} +\d+\.\d % of the peak/)
    expect(stdout).toMatch(/\d+ new tokens a second[^]*peak of a product[^]*GB of this machine\n$/)
  } finally {
    await rm(folder, { recursive: true })
  }
})

test.each([
  ['--shapes=9B', /^bench:gpu: --shapes must be of tiny, 3B, 7B, .* got 9B/],
  [
    '--device=webgpu --dtype=bfloat16',
    /^bench:gpu: dtype: must be float32 or float16 on webgpu, got bfloat16/,
  ],
])('bench:gpu %s is one sentence and exit code 2', async (args, message) => {
  const { code, stdout, stderr } = await bench(...args.split(' '))
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(message)
})
