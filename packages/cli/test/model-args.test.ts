/** `--model_args` as lmms-eval's model classes have them, EvoLMM's among them. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@evolmm/internal/testing'
import { expect, test } from 'vitest'
import { completion, fakeLibrary } from './support/fake-library'
import { given, runCommand } from './support/run-command'

function evaluated(modelArgs: string, ...flags: string[]) {
  const file = join(temporaryFolder(), 'sums.jsonl')
  writeFileSync(file, '{"image":"a.png","question":"1 + 1?","answer":"2"}\n')
  return runCommand(
    ['eval', '--model', 'qwen2_5_vl_our', '--tasks', file, `--model_args=${modelArgs}`, ...flags],
    { library: fakeLibrary({ completions: [completion] }) },
  )
}

test.each([
  ['base_model=m/base,lora_path=a/solver', 'm/base', 'a/solver', []],
  ['pretrained=m/base,lora_path=a/solver', 'm/base', 'a/solver', []],
  ['pretrained=m/base,base_model=m/base', 'm/base', undefined, []],
  ['pretrained=m/other,base_model=m/base,lora_path=a/solver', 'm/base', 'a/solver', ['pretrained']],
  ['pretrained=m/other,base_model=m/base,adapter=a/solver', 'm/base', 'a/solver', ['pretrained']],
])('%s: the base is the checkpoint, lora_path the adapter', async (args, model, adapter, left) => {
  const { code, calls, stderr } = await evaluated(args)
  expect(code, stderr).toBe(0)
  expect(given(calls, 'loadVlm')[0]).toBe(model)
  expect(given(calls, 'loadAdapter')[0]).toBe(adapter)
  expect(warnings(stderr)).toEqual(left)
})

test('what concerns only the way in which another library computes is accepted, and a note says so', async () => {
  const { code, calls, stderr } = await evaluated(
    'pretrained=m/base,min_pixels=784,max_pixels=12845056,max_num_frames=32,fps=1,use_custom_video_loader=False,' +
      'use_flash_attention_2=True,device_map=auto,attn_implementation=sdpa,use_cache=True,merge_lora=True,interleave_visuals=False',
  )
  expect(code, stderr).toBe(0)
  expect(given(calls, 'loadVlm')).toMatchObject([
    'm/base',
    { imageOptions: { minPixels: 784, maxPixels: 12845056 } },
  ])
  expect(warnings(stderr).sort()).toEqual([
    ...['attn_implementation', 'device_map', 'fps', 'max_num_frames', 'merge_lora'],
    ...['use_cache', 'use_custom_video_loader', 'use_flash_attention_2'],
  ])
})

test.each([
  ['pretrained=m/n,interleave_visuals=True', '--model_args interleave_visuals: must be one of false'],
  ['pretrained=m/n,base_model=m/other', '--model_args base_model: must go with lora_path='],
  ['lora_path=a', '--model qwen2_5_vl_our: must go with --model_args pretrained='],
  ['pretrained=m/n,lora_path=a,adapter=b', '--model_args lora_path: must agree with --adapter, got "a"'],
  ['pretrained=m/n,reasoning_prompt=x', 'got "reasoning_prompt=x"'],
])('%s is refused', async (args, message) => {
  const { code, calls, stderr } = await evaluated(args)
  expect({ code, calls }).toEqual({ code: 2, calls: [] })
  expect(stderr).toContain(message)
})

function warnings(stderr: string): string[] {
  return [...stderr.matchAll(/^warning: --model_args (\w+): means nothing here and is left out$/gm)].map(
    ([, key = '']) => key,
  )
}
