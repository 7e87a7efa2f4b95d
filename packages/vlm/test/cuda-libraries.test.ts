/** The places where CUDA's libraries are looked for, in folders that a test makes. Nothing is loaded. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { cudaAdvice, cudaLibraries, installFolders, type CudaPlaces } from '../src/runtime/cuda-libraries'
import { cudaReport } from '../src/runtime/cuda-report'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'evolmm-cuda-'))
})
afterEach(() => {
  rmSync(root, { recursive: true })
})

const all = [
  ...['libcudart.so.12', 'libcublas.so.12', 'libcublasLt.so.12', 'libcufft.so.11'],
  ...['libcurand.so.10', 'libnvrtc.so.12', 'libcudnn.so.9'],
]

function put(folder: string, names: readonly string[]): string {
  for (const name of names) {
    const file = join(root, folder, name)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, '')
  }
  return join(root, folder)
}

function places(environment: Record<string, string> = {}, table = ''): CudaPlaces {
  return {
    environment,
    system: [join(root, 'usr/lib')],
    table: () => Promise.resolve(table),
    others: () => installFolders(root, environment),
  }
}

test('without anything all are missing, and apt and pip have them', async () => {
  const libraries = await cudaLibraries(places())
  expect(libraries.map(({ name, file, elsewhere }) => [name, file, elsewhere])).toEqual(
    all.map((name) => [name, null, null]),
  )
  const [apt, pip, ...rest] = cudaAdvice(libraries, {})
  expect(rest).toEqual([])
  expect(apt).toMatch(
    /apt-get install cuda-cudart-12-9 libcublas-12-9 libcufft-12-9 libcurand-12-9 cuda-nvrtc-12-9 libcudnn9-cuda-12$/,
  )
  expect(pip).toContain('pip install --target $HOME/cuda nvidia-cuda-runtime-cu12 nvidia-cublas-cu12')
  expect(pip).toMatch(
    /export LD_LIBRARY_PATH=\$HOME\/cuda\/nvidia\/cuda_runtime\/lib:.*:\$HOME\/cuda\/nvidia\/cudnn\/lib$/,
  )
})

test('what lies where the loader looks is found: its folders, its table, LD_LIBRARY_PATH before both', async () => {
  const system = put('usr/lib', all.slice(0, 3))
  const listed = put('opt', all.slice(3, 6))
  const own = put('own', [all[0], all[6]])
  const table = [...all.slice(3, 6), 'libx.so.1'].map(
    (name) => `\t${name} (libc6,x86-64) => ${join(listed, name)}`,
  )
  // A table may name what is gone, and libraries of another machine.
  const old = [`\t${all[6]} (libc6,x86-64) => ${join(root, 'gone', all[6])}`]
  const given = places({ LD_LIBRARY_PATH: `:/nowhere:${own}` }, [...old, ...table].join('\n'))
  const libraries = await cudaLibraries(given)
  const folders = [own, system, system, listed, listed, listed, own]
  expect(libraries.map(({ file }) => file)).toEqual(all.map((name, i) => join(folders[i], name)))
  expect(cudaAdvice(libraries, given.environment)).toEqual([])
  const without = await cudaLibraries({ ...given, environment: {} })
  expect(without.filter(({ file }) => file === null).map(({ name }) => name)).toEqual([all[6]])
})

test('what is installed where nothing looks is named with its folder, and the rest is to be installed', async () => {
  const cuda = put('usr/local/cuda-12.4/lib64', all.slice(0, 5))
  const wheel = put('venv/lib/python3.12/site-packages/nvidia/cudnn/lib', ['libcudnn.so.9'])
  const environment = { VIRTUAL_ENV: join(root, 'venv'), LD_LIBRARY_PATH: '/x' }
  const libraries = await cudaLibraries(places(environment))
  expect(libraries.map(({ elsewhere }) => elsewhere)).toEqual([cuda, cuda, cuda, cuda, cuda, null, wheel])
  expect(cudaAdvice(libraries, environment)).toEqual([
    `what is installed already is found after: export LD_LIBRARY_PATH=${cuda}:${wheel}:$LD_LIBRARY_PATH`,
    "with apt, from NVIDIA's repository: apt-get install cuda-nvrtc-12-9",
    'with pip: pip install --target $HOME/cuda nvidia-cuda-nvrtc-cu12, then: export LD_LIBRARY_PATH=$HOME/cuda/nvidia/cuda_nvrtc/lib:$LD_LIBRARY_PATH',
  ])
})

test('what the advice for pip installs is found where it says', async () => {
  const environment = { HOME: root }
  put('cuda/nvidia/cudnn/lib', ['libcudnn.so.9'])
  const [found] = (await cudaLibraries(places(environment))).slice(-1)
  expect(found.elsewhere).toBe(join(root, 'cuda/nvidia/cudnn/lib'))
})

test('the report names cards as --device does, and those that are hidden', async () => {
  const lines = [0, 1, 2].map((index) => `${index}, GPU-${index}, ${1000 + index}, NVIDIA H200`)
  const smi = join(put('bin', ['nvidia-smi']), 'nvidia-smi')
  writeFileSync(smi, `#!/bin/sh\ncat <<'END'\n${lines.join('\n')}\nEND\n`)
  chmodSync(smi, 0o755)
  const report = await cudaReport(
    places({ PATH: `${dirname(smi)}:/usr/bin:/bin`, CUDA_VISIBLE_DEVICES: '2,0' }),
  )
  expect(report.cards.map(({ device, hidden }) => [device, hidden])).toEqual([
    ['cuda:1', false],
    [null, true],
    ['cuda:0', false],
  ])
  expect(report.cards[2]).toMatchObject({ name: 'NVIDIA H200', uuid: 'GPU-2', free: 1002 * 2 ** 20 })
  expect(report.libraries).toHaveLength(all.length)
  expect(report.advice).toHaveLength(2)
})
