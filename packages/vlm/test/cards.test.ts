/** The card that a name means, and what is free there, with a `nvidia-smi` that says what a test wants. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { availableMemory } from '../src/runtime/available-memory'
import { listCards, visibleCards } from '../src/runtime/cards'
import { parseDevice } from '../src/runtime/device-name'
import { coded } from './prompt-checkpoint'

const made: string[] = []
afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true })
})

/** An environment in which `nvidia-smi` writes `lines`, or fails; it refuses to be asked for one card. */
function environment(lines: readonly string[] | undefined, variables: Record<string, string> = {}) {
  const bin = mkdtempSync(join(tmpdir(), 'evolmm-smi-'))
  made.push(bin)
  const says =
    lines === undefined
      ? 'exit 9'
      : `case "$*" in *--id*) exit 8 ;; esac\ncat <<'END'\n${lines.join('\n')}\nEND`
  writeFileSync(join(bin, 'nvidia-smi'), `#!/bin/sh\n${says}\n`)
  chmodSync(join(bin, 'nvidia-smi'), 0o755)
  return { PATH: `${bin}:/usr/bin:/bin`, ...variables }
}

const three = [
  '0, GPU-aa11, 1000, NVIDIA H200',
  '1, GPU-ab22, 2000, NVIDIA H200',
  '2, GPU-cc33, 3000, NVIDIA H200',
]
const mib = 2 ** 20

describe('free memory', () => {
  test.each([
    ['cuda', {}, 1000],
    ['cuda:1', {}, 2000],
    ['cuda:2', {}, 3000],
    ['cuda:3', {}, undefined],
    ['cuda', { CUDA_VISIBLE_DEVICES: '2' }, 3000],
    ['cuda:1', { CUDA_VISIBLE_DEVICES: '2,0' }, 1000],
    ['cuda', { CUDA_VISIBLE_DEVICES: ' 1 , 2 ' }, 2000],
    ['cuda', { CUDA_VISIBLE_DEVICES: 'GPU-cc33' }, 3000],
    ['cuda', { CUDA_VISIBLE_DEVICES: 'GPU-ab' }, 2000],
    // Two cards begin like that.
    ['cuda', { CUDA_VISIBLE_DEVICES: 'GPU-a' }, undefined],
    ['cuda', { CUDA_VISIBLE_DEVICES: '' }, undefined],
    ['cuda', { CUDA_VISIBLE_DEVICES: '-1' }, undefined],
    ['cuda', { CUDA_VISIBLE_DEVICES: 'NoDevFiles' }, undefined],
    // What comes after a wrong entry is not shown; an entry that comes twice hides all.
    ['cuda:1', { CUDA_VISIBLE_DEVICES: '0,-1,1' }, undefined],
    ['cuda', { CUDA_VISIBLE_DEVICES: '1,-1,0' }, 2000],
    ['cuda', { CUDA_VISIBLE_DEVICES: '1,1' }, undefined],
    ['cuda', { CUDA_VISIBLE_DEVICES: '1,GPU-ab22' }, undefined],
    // A part of a card has a memory of its own.
    ['cuda', { CUDA_VISIBLE_DEVICES: 'MIG-12345' }, undefined],
    ['cuda:1', { CUDA_VISIBLE_DEVICES: 'MIG-12345,0' }, 1000],
  ] as const)('of %s with %j', async (device, variables, free) => {
    expect(await availableMemory(device, environment(three, variables))).toBe(free && free * mib)
  })

  test('of different cards is known where CUDA numbers them as the driver does, or by UUID', async () => {
    const cards = ['0, GPU-a, 1000, Tesla T4', '1, GPU-b, 2000, NVIDIA A100, 80 GB']
    expect(await availableMemory('cuda', environment(cards))).toBeUndefined()
    expect(await availableMemory('cuda', environment(cards, { CUDA_DEVICE_ORDER: 'PCI_BUS_ID' }))).toBe(
      1000 * mib,
    )
    expect(await availableMemory('cuda', environment(cards, { CUDA_VISIBLE_DEVICES: 'GPU-b' }))).toBe(
      2000 * mib,
    )
    expect((await listCards(environment(cards)))[1].name).toBe('NVIDIA A100, 80 GB')
  })

  test('is not known where the driver does not say, or says nonsense', async () => {
    for (const lines of [
      undefined,
      [],
      ['0, GPU-a, [N/A], NVIDIA H200'],
      ['No devices were found'],
      ['x, y, z'],
    ])
      expect(await availableMemory('cuda', environment(lines))).toBeUndefined()
    expect(await availableMemory('cuda', { PATH: '/nowhere' })).toBeUndefined()
    expect(await availableMemory('webgpu', environment(three))).toBeUndefined()
  })
})

test('without the variable all cards are there in their order', async () => {
  const cards = await listCards(environment(three))
  expect(visibleCards(cards, {})).toEqual(cards)
  expect(cards.map(({ free }) => free)).toEqual([1000 * mib, 2000 * mib, 3000 * mib])
})

test.each([
  ['auto', { kind: 'auto', card: 0 }],
  ['cpu', { kind: 'cpu', card: 0 }],
  ['cuda', { kind: 'cuda', card: 0 }],
  ['cuda:0', { kind: 'cuda', card: 0 }],
  ['cuda:12', { kind: 'cuda', card: 12 }],
])('the name %s', (name, device) => {
  expect(parseDevice(name)).toEqual(device)
})

test.each([
  'cuda:',
  'cuda:-1',
  'cuda:1.5',
  'cuda:1000',
  'cuda:x',
  'cuda:1\n',
  'cpu:1',
  'constructor',
  1,
  undefined,
])('no name: %j', (name) => {
  expect(() => parseDevice(name)).toThrow(coded('INVALID_OPTION'))
})
