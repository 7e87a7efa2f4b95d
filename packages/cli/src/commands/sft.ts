/** `evolmm sft`, once called `evolmm warmup`: supervised learning on labelled images. */
import { sftSettings } from '@evolmm/sft'
import { addSettingsCommand, type CommandHost } from '../settings-command'
import { runSft } from '../sft/run-sft'

const examples = `
Examples:
  $ evolmm sft --model ./start --data lessons.jsonl --output_dir ./warm \\
      --no-freeze_vision --total_steps 3000 --lr 1e-3
  $ evolmm sft --model ./checkpoint --data lessons.jsonl \\
      --output_dir ./adapter --use_lora --lr 2e-4

A line of the data is {"image", "turns": [{"prompt", "completion"}]} or
{"image", "question", "answer"}, where the completion is
<answer>ANSWER</answer>; several images are a list "images". With
--value_head, a turn is {"prompt", "steps": [{"text", "value"}]}. All that is
asked about the same images is learned in one sequence. Paths of images begin
at the folder of the file. The same command continues a run that was stopped
or killed.`

export function addSft(host: CommandHost): void {
  addSettingsCommand(host, 'sft', {
    alias: 'warmup',
    usage: '--model <dir> --data <file> --output_dir <to> [options]',
    summary: 'teach a model questions and answers about images',
    description: 'Teaches a model labelled questions about images, and writes a checkpoint or an adapter.',
    examples,
    schema: sftSettings,
    run: (context, { settings, notes }) => {
      for (const note of notes) context.stderr.write(`note: ${note}\n`)
      return runSft(context, settings)
    },
  })
}
