/**
 * A model of text alone, to see that a folder and a line are enough: as small as can be, and with what the families that
 * are here have no use for. Embeddings are scaled, scores have a scale of their own, every other layer sees a window,
 * there is one position axis, the head may be tied or not as its file says, conversations need no template, and the
 * tokenizer is made, not read.
 */
import { op, rmsNorm, type Tensor } from '@evolmm/onnx'
import { z } from 'zod'
import type { Architecture, Backbone } from '../../src/backbones/backbone'
import { checkFields, layerCount, size } from '../../src/backbones/parts/config-fields'
import {
  decoder,
  decoderProjections,
  decoderWeights,
  type DecoderConfig,
} from '../../src/backbones/parts/decoder'
import { renamed } from '../../src/backbones/parts/renamed'
import { rotaryAngles, type Angles } from '../../src/backbones/parts/rotary-angles'
import { linearModules, usualInitialValue } from '../../src/backbones/parts/weight-shapes'
import type { PromptRules } from '../../src/backbones/prompt-rules'

export type ToyRotary = 'plain' | 'interleaved' | 'by length'

interface ToyConfig extends DecoderConfig {
  window: number
  rotary: ToyRotary
  /** What scores are multiplied with. */
  scale: number
  /** What embeddings are multiplied with. */
  embeddingScale: number
}

export const toy: Architecture = {
  open: (json, file) => toyBackbone(readConfig(json, file), true),
}

const schema = z.object({
  hidden_size: size,
  num_hidden_layers: layerCount,
  window: size,
  rotary: z.enum(['plain', 'interleaved', 'by length']).default('plain'),
})

function readConfig(json: object, file: string): ToyConfig {
  const {
    hidden_size: hiddenSize,
    num_hidden_layers: layers,
    window,
    rotary,
  } = checkFields(schema, json, {
    file,
    prefix: '',
  })
  const sizes = { intermediateSize: 2 * hiddenSize, heads: hiddenSize / 8, keyValueHeads: hiddenSize / 16 }
  return {
    ...{ hiddenSize, layers, window, rotary, ...sizes, headSize: 8, rmsNormEps: 1e-6 },
    ...{ vocabularySize: words.length, scale: 0.5, embeddingScale: 3 },
  }
}

const embeddingWeight = 'model.embed_tokens.weight'
const headWeight = 'lm_head.weight'

function toyBackbone(config: ToyConfig, tied: boolean): Backbone {
  const { layers, hiddenSize, vocabularySize, keyValueHeads, headSize } = config
  const head = [headWeight, [vocabularySize, hiddenSize]] as const
  const weights = decoderWeights(config, 'model', false)
  return {
    weights: new Map([...weights, ...(tied ? [] : [head])]),
    modules: linearModules([...weights, head], embeddingWeight),
    names: renamed([['transformer.', 'model.']]),
    isVision: () => false,
    targets: decoderProjections,
    embeddingWeight,
    head: { module: 'lm_head', weight: tied ? embeddingWeight : headWeight },
    initialValue: usualInitialValue,
    settled: (names) => toyBackbone(config, !names.has(headWeight)),
    configJson: ({ dtype }) => ({
      ...{ model_type: 'toy', hidden_size: hiddenSize, num_hidden_layers: layers },
      ...{ window: config.window, rotary: config.rotary },
      torch_dtype: dtype,
    }),
    prompt,
    ...toyPositions[config.rotary],
    sizes: {
      ...{ layers, hiddenSize, vocabularySize },
      keyValueSize: keyValueHeads * headSize,
      maxPositions: 256,
    },
    embed: (program, ids) => op.Mul(program.rows(ids, embeddingWeight), config.embeddingScale),
    mask: (layer) => (layer % 2 === 0 ? { window: config.window } : {}),
    decoder: (program, inputs) => {
      const angles = toyAngles[config.rotary](inputs.positions, headSize)
      const attend: typeof inputs.attend = (layer, heads) =>
        inputs.attend(layer, { ...heads, scale: config.scale })
      return decoder(program, { config, prefix: 'model', angles }, { ...inputs, attend })
    },
    finalNorm: (program, x) => rmsNorm({ x, weight: program.weight('model.norm.weight') }),
    shape: config,
  }
}

/** A length from which on tokens are turned by other angles, in the family that looks at it. */
export const toyLimit = 40

/** Axes and positions of a prompt, by the kind of rotary embedding. */
const toyPositions: Record<ToyRotary, Pick<Backbone, 'axes' | 'positions'>> = {
  plain: { axes: 1, positions: ({ length }) => placed(length, [(i) => i], 0) },
  // As if words lay in a picture of three columns; what follows goes on after the largest.
  interleaved: {
    axes: 3,
    positions: ({ length }) =>
      placed(length, [() => 0, (i) => Math.floor(i / 3), (i) => i % 3], Math.ceil(length / 3) - length),
  },
  // All tokens of a prompt are turned by its length; a later token by its own.
  'by length': { axes: 2, positions: ({ length }) => placed(length, [(i) => i, () => length - 1], 0) },
}

function placed(
  length: number,
  axes: readonly ((i: number) => number)[],
  delta: number,
): ReturnType<Backbone['positions']> {
  const rows = axes.map((at) => Array.from({ length }, (_, i) => at(i)))
  return { positions: Int32Array.from(rows.flat()), delta }
}

const toyAngles: Record<ToyRotary, (positions: Tensor, headSize: number) => Angles> = {
  plain: (positions, headSize) => rotaryAngles({ positions, theta: 100, headSize }),
  interleaved: (positions, headSize) => rotaryAngles({ positions, theta: 100, headSize, axes: [0, 1, 2, 0] }),
  'by length': (positions, headSize) => {
    const { graph } = positions.scope
    const [short, long] = [100, 400].map((theta) => rotaryAngles({ positions, theta, headSize }))
    const lengths = op.Transpose(op.Slice(positions, [1], [2], [0]), { perm: [1, 0] })
    const isLong = op.GreaterOrEqual(lengths, graph.constant('int64', [1, 1], [toyLimit]))
    const chosen = (of: 'cos' | 'sin') => op.Mul(op.Where(isLong, long[of], short[of]), 1.2)
    return { cos: chosen('cos'), sin: chosen('sin') }
  },
}

const words = ['<s>', '<e>', ...Array.from('abcdefghijklmnopqrstuvwxyz :?.')]

const prompt: PromptRules = {
  tokens: new Map([
    ['<s>', 0],
    ['<e>', 1],
  ]),
  marker: /<[se]>/,
  stopTokens: ['<e>'],
  tokenizerJson: () =>
    Promise.resolve({
      added_tokens: ['<s>', '<e>'].map((content, id) => ({ id, content, special: true })),
      normalizer: null,
      pre_tokenizer: null,
      post_processor: {
        type: 'TemplateProcessing',
        single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
        pair: [],
        special_tokens: { '<s>': { id: '<s>', ids: [0], tokens: ['<s>'] } },
      },
      decoder: { type: 'Fuse' },
      model: { type: 'BPE', vocab: Object.fromEntries(words.map((word, id) => [word, id])), merges: [] },
    }),
  chatTemplate: () =>
    Promise.resolve({
      source: '',
      render: ({ messages, addGenerationPrompt = true }) => {
        const said = messages.map(({ role, content }) => {
          const parts = typeof content === 'string' ? [{ type: 'text' as const, text: content }] : content
          const text = parts.map((part) => (part.type === 'text' ? part.text : '')).join('')
          return `${role}: ${text}${role === 'assistant' ? '<e>' : '.'}`
        })
        return `${said.join('')}${addGenerationPrompt ? 'assistant: ' : ''}`
      },
    }),
  tokenize: (text, _, tokenizer) => ({
    ids: Int32Array.from(tokenizer.encode(text, { addSpecial: true })),
    imageSpans: [],
  }),
}
