/** The texts of a model's folder: configuration, tokenizer, chat template. */
import { copyFileSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sentencepieceBpe } from '../../../packages/vlm/src/backbones/parts/sentencepiece-bpe'
import { checkFolder } from '../../../packages/vlm/src/index'
import { loadTokenizer } from '../../../packages/vlm/src/prompt/load-tokenizer'
import { parseChatTemplate } from '../../../packages/vlm/src/prompt/chat-template'
import { asFile, checkpoint, files, given, type FuzzedReader } from './reader'

const sentencepiece = 'packages/vlm/test/fixtures/internlm2-tokenizer'
const template = (
  JSON.parse(readFileSync(join(checkpoint, 'chat_template.json'), 'utf8')) as { chat_template: string }
).chat_template

interface TokenizerJson {
  model: { vocab: Record<string, number>; merges: (string | string[])[] }
}

/** The tokenizer with a few of its merges, since it is made anew for each input. */
const tokenizer = JSON.parse(readFileSync(join(checkpoint, 'tokenizer.json'), 'utf8')) as TokenizerJson
const merges = tokenizer.model.merges.slice(0, 20).map((pair) => [pair].flat().join(' '))
const pieces = new Set(merges.map((pair) => pair.replace(' ', '')))
const vocab = Object.fromEntries(
  Object.entries(tokenizer.model.vocab).filter(([piece]) => piece.length === 1 || pieces.has(piece)),
)
const texts: ReadonlyMap<string, string> = new Map([
  ['tokenizer.json', JSON.stringify({ ...tokenizer, model: { ...tokenizer.model, vocab, merges } })],
  ['vocab.json', JSON.stringify(vocab)],
  ['merges.txt', ['#version: 0.2', ...merges, ''].join('\n')],
])

function copyCheckpoint(folder: string): void {
  cpSync(checkpoint, folder, { recursive: true, filter: (path) => !path.includes('reference') })
  writeFileSync(join(folder, 'tokenizer.json'), texts.get('tokenizer.json') ?? '')
}

/** The tokenizer in the two files that it came in before there was `tokenizer.json`. */
function copyWithVocab(folder: string): void {
  copyCheckpoint(folder)
  rmSync(join(folder, 'tokenizer.json'))
  for (const name of ['vocab.json', 'merges.txt']) writeFileSync(join(folder, name), texts.get(name) ?? '')
}

const parts = [
  'config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'preprocessor_config.json',
  'generation_config.json',
  'chat_template.json',
  'vocab.json',
  'merges.txt',
]

/** The configuration has an older form and a newer one. */
function formsOf(name: string): string[] {
  return [name, ...(name === 'config.json' ? ['config.nested.json'] : [])].map((each) =>
    join(checkpoint, each),
  )
}

export const checkpointReaders: readonly FuzzedReader[] = [
  ...parts.map((name): FuzzedReader => {
    const text = texts.get(name)
    return {
      ...{ name, text: true },
      corpus: text === undefined ? files(...formsOf(name)) : given(text),
      read: asFile(
        name,
        (_, folder) => checkFolder(folder),
        name === 'vocab.json' || name === 'merges.txt' ? copyWithVocab : copyCheckpoint,
      ),
    }
  }),
  {
    ...{ name: 'tokenizer.model', text: false },
    corpus: files(join(sentencepiece, 'tokenizer.model')),
    read: asFile(
      'tokenizer.model',
      async (_, folder) => {
        const tokens = new Map<string, number>()
        const tokenizer = await loadTokenizer({ folder, tokens, vocabularySize: 1e6, json: sentencepieceBpe })
        tokenizer.decode(tokenizer.encode('How many dots are there?'))
      },
      (folder) => {
        const name = 'tokenizer_config.json'
        copyFileSync(join(sentencepiece, name), join(folder, name))
      },
    ),
  },
  {
    ...{ name: 'chat template', text: true },
    corpus: () => Promise.resolve([Buffer.from(template)]),
    read: (input) => {
      const messages = [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'How many?' }] }]
      return Promise.resolve(parseChatTemplate(Buffer.from(input).toString()).render({ messages }))
    },
  },
]
