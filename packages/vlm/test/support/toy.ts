/**
 * A model of text alone, to see that a folder and a line are enough: as small as can be, and with what the families that
 * are here have no use for. Embeddings are scaled, scores have a scale of their own, every other layer sees a window,
 * there is one position axis, the head may be tied or not as its file says, conversations need no template, and the
 * tokenizer is made, not read.
 */
import { op, rmsNorm } from '@evolmm/onnx'
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
import { rotaryAngles } from '../../src/backbones/parts/rotary-angles'
import { linearModules, usualInitialValue } from '../../src/backbones/parts/weight-shapes'
import type { PromptRules } from '../../src/backbones/prompt-rules'

interface ToyConfig extends DecoderConfig {
  window: number
  /** What scores are multiplied with. */
  scale: number
  /** What embeddings are multiplied with. */
  embeddingScale: number
}

export const toy: Architecture = {
  open: (json, file) => toyBackbone(readConfig(json, file), true),
}

const schema = z.object({ hidden_size: size, num_hidden_layers: layerCount, window: size })

function readConfig(json: object, file: string): ToyConfig {
  const {
    hidden_size: hiddenSize,
    num_hidden_layers: layers,
    window,
  } = checkFields(schema, json, {
    file,
    prefix: '',
  })
  const sizes = { intermediateSize: 2 * hiddenSize, heads: hiddenSize / 8, keyValueHeads: hiddenSize / 16 }
  return {
    ...{ hiddenSize, layers, window, ...sizes, headSize: 8, rmsNormEps: 1e-6 },
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
      ...{ model_type: 'toy', hidden_size: hiddenSize, num_hidden_layers: layers, window: config.window },
      torch_dtype: dtype,
    }),
    prompt,
    axes: 1,
    positions: (ids) => ({ positions: Int32Array.from({ length: ids.length }, (_, i) => i), delta: 0 }),
    sizes: {
      ...{ layers, hiddenSize, vocabularySize },
      keyValueSize: keyValueHeads * headSize,
      maxPositions: 256,
    },
    embed: (program, ids) => op.Mul(program.rows(ids, embeddingWeight), config.embeddingScale),
    mask: (layer) => (layer % 2 === 0 ? { window: config.window } : {}),
    decoder: (program, inputs) => {
      const angles = rotaryAngles({ positions: inputs.positions, theta: 100, headSize })
      const attend: typeof inputs.attend = (layer, heads) =>
        inputs.attend(layer, { ...heads, scale: config.scale })
      return decoder(program, { config, prefix: 'model', angles }, { ...inputs, attend })
    },
    finalNorm: (program, x) => rmsNorm({ x, weight: program.weight('model.norm.weight') }),
    shape: config,
  }
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
