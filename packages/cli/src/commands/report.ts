/** `evolmm report`: the page about a run, made again from its log. */
import type { Command } from 'commander'
import { EvolmmError } from '@evolmm/internal'
import { writeReport } from '@evolmm/trainer'
import type { Context } from '../context'
import { addOutputFlags, text } from '../options'

interface ReportFlags {
  output?: string
}

const examples = `
Examples:
  $ evolmm report runs/charts
  $ evolmm report runs/charts --output charts.html

The page needs nothing but itself: it can be moved, sent and opened without a
network. A run that is still going can be looked at too; train writes the page
itself when it ends.`

export function addReport(program: Command, context: Context): void {
  const command = program
    .command('report')
    .usage('<run> [options]')
    .argument('[run]', 'folder of the run, with run.json and iter_log.jsonl')
    .summary('write the page about a run')
    .description(
      'Writes one HTML page about a run: what changed, curves, and pictures with their questions and votes.',
    )
  addOutputFlags(command)
    .option(
      '--output <file>',
      'file to write (default: report.html in the folder of the run)',
      text('--output'),
    )
    .addHelpText('after', examples)
    .action(async (folder: string | undefined, { output }: ReportFlags) => {
      if (folder === undefined || folder === '')
        throw new EvolmmError(
          'INVALID_OPTION',
          'report: must be given the folder of a run, got nothing; write evolmm report runs/NAME',
        )
      const file = await writeReport({ folder, ...(output === undefined ? {} : { output }) })
      context.stdout.write(`${file}\n`)
    })
}
