/** An adapter of the tiny checkpoint that has learned answers about some charts by heart. */
import { AdamW } from '@evolmm/rl-core'
import { loadVlm } from '@evolmm/vlm'
import type { Chart } from './charts'

const system = 'You are a helpful assistant.'
/** ChartQA's instruction, and that of one's own questions. */
const instructions = [
  'Answer the question with a single word.',
  'Answer the question using a single word or phrase.',
]

export async function learnCharts(model: string, lessons: readonly Chart[], folder: string): Promise<void> {
  const vlm = await loadVlm(model)
  const adapter = vlm.createAdapter({ rank: 8, alpha: 16 })
  const groups = []
  for (const { png, questions } of lessons) {
    const image = await vlm.encodeImage(png)
    for (const { question, answer } of questions) {
      const ids = Int32Array.from(vlm.tokenizer.encode(`${answer}<|im_end|>`))
      for (const instruction of instructions) {
        const prompt = vlm.prompt({ prompt: `${question}\n${instruction}`, system, images: [image] })
        groups.push({ prompt, completions: [{ ids }] })
      }
    }
  }
  const adamw = new AdamW({ size: adapter.parameters.length, lr: 0.01 })
  for (let step = 0; step < 60; step++) {
    const { gradient } = await vlm.gradient({ groups, adapter, objective: 'supervised' })
    adamw.step(adapter.parameters, gradient)
  }
  await vlm.saveAdapter(folder, adapter)
  await vlm.dispose()
}
