/** Messages of the library name its options; whoever reads them here knows the flags. */
const flags: Readonly<Record<string, string>> = {
  adapterName: '--adapter_subfolder',
  cacheDir: '--cache_dir',
  includeSubfolders: '--include_subfolders',
  maxNewTokens: '--max_new_tokens',
  maxPixels: '--max_pixels',
  minPixels: '--min_pixels',
  topK: '--top_k',
  topP: '--top_p',
}

/** Words alone: parts of a path or of anything quoted stay as they are. */
const names = new RegExp(
  `"(?:[^"\\\\]|\\\\.)*"|(?<![^\\s(])(?:${Object.keys(flags).join('|')})(?![^\\s),:;[])`,
  'g',
)

export function nameFlags(message: string): string {
  return message.replace(names, (match) => flags[match] ?? match)
}
