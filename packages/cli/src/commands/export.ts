/** `evolmm export`: a model's programs as files for other runtimes. */
import { stat } from 'node:fs/promises'
import { counted, formatBytes } from '@evolmm/internal'
import { adapterRows, adapterRule, modelRows, schema, text } from '@evolmm/settings'
import { EvolmmError } from '../errors'
import { addSettingsCommand, type CommandHost } from '../settings-command'
import { openAdapter, withModel } from '../with-model'

const exportSettings = schema({
  name: 'an export',
  groups: {
    Model: modelRows,
    Adapter: adapterRows,
    Output: {
      out: text(null, 'folder for the files, made if need be', {
        value: 'dir',
        required: true,
        verbatim: true,
        identity: false,
      }),
    },
  },
  rules: [adapterRule],
})

const examples = `
Examples:
  $ evolmm export --model ./checkpoint --out programs
  $ evolmm export --model Qwen/Qwen2.5-VL-3B-Instruct --adapter ./solver --out programs`

export function addExport(host: CommandHost): void {
  addSettingsCommand(host, 'export', {
    usage: '--model <dir_or_id> --out <dir> [options]',
    summary: 'write the programs of a model as .onnx files',
    description:
      'Writes every program of a model as an .onnx file that other runtimes can load, with the weights ' +
      'beside them. With an adapter the programs take its parameters, and one gives their gradient.',
    examples,
    schema: exportSettings,
    run: async (context, { settings }) => {
      await checkFolder(settings.out)
      const files = await withModel(context, settings, async (vlm, progress) =>
        vlm.exportPrograms(settings.out, await openAdapter(vlm, settings, progress)),
      )
      // Names alone on standard output, for other commands.
      context.stdout.write(files.map((file) => `${file}\n`).join(''))
      const sizes = await Promise.all(
        files.map(async (file) => (await stat(file).catch(() => ({ size: 0 }))).size),
      )
      const total = formatBytes(sizes.reduce((sum, size) => sum + size, 0))
      context.stderr.write(`${counted(files.length, 'file')}, ${total}\n`)
      return undefined
    },
  })
}

/** The folder is checked before a model is loaded for nothing. */
async function checkFolder(folder: string): Promise<void> {
  const entry = folder === '' ? undefined : await stat(folder).catch(() => null)
  if (entry === undefined || entry?.isDirectory() === false)
    throw new EvolmmError(
      'INVALID_OPTION',
      `out: must name a folder, got ${entry === undefined ? 'an empty text' : `the file ${JSON.stringify(folder)}`}; choose another`,
      { details: { option: 'out', value: folder } },
    )
}
