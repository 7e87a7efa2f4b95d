/** An adapter of the tiny checkpoint that has learned the answers about some charts by heart. */
import { AdamW } from '@evolmm/rl-core'
import { loadVlm } from '@evolmm/vlm'
import type { Chart } from './charts'

export async function learnCharts(model: string, charts: readonly Chart[], folder: string): Promise<void> {
  const vlm = await loadVlm(model)
  const adapter = vlm.createAdapter({ rank: 8, alpha: 16 })
  const groups = []
  for (const { png, questions } of charts) {
    const image = await vlm.encodeImage(png)
    for (const { question, answer } of questions) {
      const prompt = vlm.prompt({
        prompt: `${question}\nAnswer the question with a single word.`,
        system: 'You are a helpful assistant.',
        images: [image],
      })
      groups.push({
        prompt,
        completions: [{ ids: Int32Array.from(vlm.tokenizer.encode(`${answer}<|im_end|>`)) }],
      })
    }
  }
  const adamw = new AdamW({ size: adapter.parameters.length, lr: 0.01 })
  for (let step = 0; step < Number(process.env.STEPS ?? 60); step++) {
    const g = await vlm.gradient({ groups, adapter, objective: 'supervised' })
    if (process.env.STEPS && step % 10 === 0) process.stderr.write(`${step} ${g.nll}\n`)
    adamw.step(adapter.parameters, g.gradient)
  }
  await vlm.saveAdapter(folder, adapter)
  await vlm.dispose()
}
