/** The name of a model as a folder: its last two parts, as lmms-eval writes them. */
export function folderName(model: string): string {
  const parts = model.split('/').filter((part) => part !== '' && part !== '.' && part !== '..')
  return (
    parts
      .slice(-2)
      .join('/')
      .replace(/["<>:/\\|?*[\]\0]+/g, '__') || 'model'
  )
}
