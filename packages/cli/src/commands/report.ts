/** `evolmm report`: the page about a run, made again from its log. */
import { writeReport } from '@evolmm/report'
import { schema, text } from '@evolmm/settings'
import { EvolmmError } from '../errors'
import { kindOfRun } from '../methods'
import { addSettingsCommand, type CommandHost } from '../settings-command'

const reportSettings = schema({
  name: 'a report',
  groups: {
    Output: {
      output: text(null, 'file to write', {
        value: 'file',
        otherwise: 'report.html in the folder of the run',
        identity: false,
      }),
    },
  },
})

const examples = `
Examples:
  $ evolmm report runs/charts
  $ evolmm report runs/charts --output charts.html

The page needs nothing but itself: it can be moved, sent and opened without a
network. A run that is still going can be looked at too; train writes the page
itself when it ends.`

export function addReport(host: CommandHost): void {
  addSettingsCommand(host, 'report', {
    usage: '<run> [options]',
    summary: 'write the page about a run',
    description:
      'Writes one HTML page about a run: what changed, curves, and pictures with their questions and votes.',
    examples,
    schema: reportSettings,
    addArguments: (command) => command.argument('[run]', 'folder of the run, with run.json and its log'),
    run: async (context, { settings: { output } }, { args: [folder = ''] }) => {
      if (folder === '')
        throw new EvolmmError(
          'INVALID_OPTION',
          'report: must be given the folder of a run, got nothing; write evolmm report runs/NAME',
        )
      const kind = await kindOfRun(folder)
      const file = await writeReport({ folder, kind, ...(output !== null && { output }) })
      context.stdout.write(`${file}\n`)
      return undefined
    },
  })
}
