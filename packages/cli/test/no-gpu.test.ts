/** Every flag that asks for a GPU, on a machine without one, through the real library: one sentence and exit code 2. */
import { cpSync, existsSync, readdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chooseDevice, loadVlm } from '@evolmm/vlm'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { Library } from '../src/library'
import { runTrain } from '../src/train/run-train'
import { runCommand } from './support/run-command'

// What a machine is that has neither a card nor a driver, whatever this one has.
vi.mock('../../vlm/src/runtime/native-runtime', async (original) => {
  const real = await original<typeof import('../../vlm/src/runtime/native-runtime')>()
  return {
    nativeRuntime: () => ({
      ...real.nativeRuntime(),
      backends: ['cpu', 'webgpu', 'cuda'].map((name) => ({ name, bundled: name !== 'cuda' })),
      exists: () => false,
      start: () => Promise.reject(new Error('Failed to get a WebGPU adapter: No supported adapters')),
    }),
  }
})

const model = fileURLToPath(new URL('../../vlm/test/fixtures/qwen2_5_vl-tiny', import.meta.url))
const library: Library = {
  loadVlm,
  chooseDevice,
  train: runTrain,
  inspectRuntime: () => Promise.reject(new Error('not asked for')),
}

let folder: string
let commands: Record<string, string[]>
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'evolmm-no-gpu-'))
  const image = join(folder, 'img0.png')
  cpSync(join(model, 'images'), folder, { recursive: true })
  const lessons = join(folder, 'lessons.jsonl')
  writeFileSync(lessons, '{"image":"img0.png","question":"a","answer":"b"}\n')
  const training = ['--solver_model', model, '--data_dir', folder, '--output_dir', `${folder}-runs`]
  commands = {
    generate: ['generate', '--model', model, '--prompt', 'x'],
    score: ['score', '--model', model, '--prompt', 'x', '--completion', 'y'],
    infer: ['infer', '--model', model, '--image', image, '--question', 'x'],
    export: ['export', '--model', model, '--out', join(folder, 'exported')],
    eval: ['eval', '--model', model, '--tasks', 'chartqa'],
    'eval as in lmms-eval': [
      'eval',
      '--model',
      'qwen2_5_vl',
      '--model_args',
      `pretrained=${model}`,
      '--tasks',
      'chartqa',
    ],
    sft: ['sft', '--model', model, '--data', lessons, '--output_dir', join(folder, 'warm')],
    mstar: ['mstar', '--model', model, '--data', lessons, '--output_dir', join(folder, 'mstar')],
    'mstar rollout': [
      ...['mstar', 'rollout', '--model', model, '--data', lessons, '--output_dir', join(folder, 'mstar')],
    ],
    'mstar prm': ['mstar', 'prm', '--model', model, '--data', lessons, '--output_dir', join(folder, 'mstar')],
    train: ['train', ...training],
    'train --dry_run': ['train', ...training, '--dry_run'],
  }
})
afterAll(() => {
  for (const each of [folder, `${folder}-runs`]) rmSync(each, { recursive: true, force: true })
})

const names = [
  'generate',
  'score',
  'infer',
  'export',
  'eval',
  'eval as in lmms-eval',
  'sft',
  'mstar',
  'mstar rollout',
  'mstar prm',
  'train',
  'train --dry_run',
]

test.each(names)('%s --device cuda or webgpu', async (name) => {
  const messages = {
    cuda: /^evolmm: device cuda: must be usable by onnxruntime-node, got no \S+; run `npx evolmm setup cuda` .*, or choose device cpu\n$/,
    webgpu:
      /^evolmm: device webgpu: must be usable .*, got "Failed to get a WebGPU adapter: No supported adapters" from the runtime; install a Vulkan driver .*, or choose device cpu\n$/,
  }
  for (const [device, message] of Object.entries(messages)) {
    const { code, stdout, stderr } = await runCommand([...commands[name], '--device', device], { library })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    // Settings come first in a run.
    expect(stderr.slice(stderr.lastIndexOf('evolmm: '))).toMatch(message)
  }
  // Nothing was begun.
  expect(readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())).toEqual([])
  expect(existsSync(`${folder}-runs`)).toBe(false)
})

test.each(['generate', 'score', 'infer', 'export', 'eval'])(
  '%s --dtype that the device does not hold',
  async (name) => {
    for (const [device, dtype] of [
      ['cpu', 'float16'],
      ['cpu', 'bfloat16'],
      ['webgpu', 'bfloat16'],
    ]) {
      const argv = [...commands[name], '--device', device, '--dtype', dtype]
      const { code, stdout, stderr } = await runCommand(argv, { library })
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      expect(stderr).toMatch(
        /^evolmm: dtype: must be float32.* on (cpu|webgpu), got b?float16; leave it out .*\n$/,
      )
    }
  },
)

test.each([
  ['DEVICE', 'cuda'],
  ['DEVICE', 'webgpu'],
])('train with %s=%s in the environment', async (variable, device) => {
  const { code, stdout, stderr } = await runCommand(commands['train --dry_run'], {
    library,
    environment: { [variable]: device },
  })
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(new RegExp(`^evolmm: device ${device}: must be usable .*\\n$`))
})

test('plan needs neither the device nor the weights', async () => {
  for (const device of ['cuda', 'webgpu']) {
    const argv = [
      'plan',
      '--model',
      '7B',
      '--device',
      device,
      '--memory',
      '80GB',
      '--use_lora_solver',
      '--use_lora_proposer',
    ]
    const { code, stdout, stderr } = await runCommand(argv, { library })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain(` on ${device}`)
  }
})
