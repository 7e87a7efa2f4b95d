import { expect, test } from 'vitest'
import { readGenerationConfig } from '../src/prompt/generation-config'
import { coded, folderWith, loadTiny, tiny } from './prompt-checkpoint'

const tokenizer = await loadTiny()
const read = (files: Record<string, unknown>, named = tokenizer.namedTokens) =>
  readGenerationConfig({ folder: folderWith(files), tokenizer: { ...tokenizer, namedTokens: named } })

test('reads the stop token of the tiny checkpoint', async () => {
  expect(await readGenerationConfig({ folder: tiny, tokenizer })).toEqual({
    stopTokens: [tokenizer.tokenId('<|im_end|>')],
    samplingDefaults: {},
  })
})

test('reads a list of stop tokens and the sampling settings, as Qwen publishes them', async () => {
  const generation = {
    bos_token_id: 601,
    pad_token_id: 601,
    do_sample: true,
    eos_token_id: [603, 601, 603],
    repetition_penalty: 1.05,
    temperature: 0.000001,
    top_k: 20,
    top_p: 0.8,
  }
  expect(await read({ 'generation_config.json': generation })).toEqual({
    stopTokens: [601, 603],
    samplingDefaults: {
      doSample: true,
      repetitionPenalty: 1.05,
      temperature: 0.000001,
      topK: 20,
      topP: 0.8,
    },
  })
})

test('falls back to the configuration of the model, flat or nested, then to the tokenizer', async () => {
  const stops = async (files: Record<string, unknown>) => (await read(files)).stopTokens
  const nothing = { 'generation_config.json': { eos_token_id: null, top_p: null } }
  expect(await stops({ ...nothing, 'config.json': { eos_token_id: 601 } })).toEqual([601])
  expect(await stops({ 'config.json': { text_config: { eos_token_id: [602, 601] } } })).toEqual([601, 602])
  expect(await stops({ ...nothing, 'config.json': { text_config: {} } })).toEqual([603])
  expect(await stops({})).toEqual([603])
})

test('refuses a checkpoint that names no stop token', async () => {
  for (const named of [{}, { eos_token: '</s>' }])
    await expect(read({}, named)).rejects.toThrow(coded('STOP_TOKEN_NOT_FOUND', /eos_token_id/))
})

test('refuses stop tokens that are not ids, or of another tokenizer', async () => {
  for (const eos_token_id of ['603', -1, 1.5, true, [], [603, null], {}])
    for (const name of ['generation_config.json', 'config.json'])
      await expect(read({ [name]: { eos_token_id } })).rejects.toThrow(
        coded('CHECKPOINT_FILE_DAMAGED', /eos_token_id must be/),
      )
  await expect(read({ 'generation_config.json': { eos_token_id: [603, 151645] } })).rejects.toThrow(
    coded('TOKENIZER_MISMATCH', /got id 151645 of 615/),
  )
})

test('refuses damaged settings', async () => {
  for (const settings of ['{', '3', { temperature: 'hot' }, { do_sample: 1 }, { top_k: [5] }])
    await expect(read({ 'generation_config.json': settings })).rejects.toThrow(
      coded('CHECKPOINT_FILE_DAMAGED'),
    )
})
