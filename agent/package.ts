import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { strToU8, zipSync } from 'fflate'

/** The files of an app package, each as its text; the icons as they are. */
export const manifests = ['manifest.json', 'declarativeAgent.json', 'ai-plugin.json'] as const
export const icons = ['color.png', 'outline.png'] as const

/** Variables of an environment, by name. An empty value is the same as none; only the suffix may be empty. */
export type Variables = Readonly<Record<string, string | undefined>>

/** What has to be done by hand where the toolkit's provision does not do it. */
const byHand: Readonly<Record<string, string>> = {
  TEAMS_APP_ID: `a GUID for the app, which it keeps for ever, such as ${randomUUID()}`,
  OAUTH_REGISTRATION_ID: 'the id of an OAuth client registration in the Teams Developer Portal (agent/README.md)',
}

/** A variable of the environment is missing or cannot be used; the message names all of them, with their mend. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError'
}

/**
 * A manifest with its `${{VARIABLES}}` and `$[file('…')]` filled in, as the toolkit does it: values as JSON has them
 * within quotes, files from beside the manifest, with their own variables.
 *
 * @throws {EnvironmentError}
 */
export function fill(manifest: string, variables: Variables, readText: (file: string) => string): string {
  const missing = new Set<string>()
  const filled = manifest
    .replaceAll(/\$\[file\('([\w.-]+)'\)\]/g, (_, file: string) => withinQuotes(readText(file)))
    .replaceAll(/\$\{\{(\w+)\}\}/g, (_, name: string) => {
      const value = variables[name] ?? ''
      if (value === '' && name !== 'APP_NAME_SUFFIX') missing.add(name)
      return withinQuotes(value)
    })
  if (missing.size > 0) {
    const mends = [...missing].map((name) => `  - ${name}${byHand[name] === undefined ? '' : `: ${byHand[name]}`}`)
    throw new EnvironmentError(`The environment has no value for\n${mends.join('\n')}`)
  }
  return filled
}

/**
 * An app package as a zip: every manifest filled in, and the icons.
 *
 * @param folder where the manifests and icons are
 * @throws {EnvironmentError}
 */
export function packageOf(folder: string, variables: Variables): Uint8Array {
  const readText = (file: string) => readFileSync(join(folder, file), 'utf8')
  const all = manifests.map(readText).join('\n')
  // Once for all of them, so that a message names whatever is missing in any.
  fill(all, variables, readText)
  checkAddress(variables['PUBLIC_BASE_URL'] ?? '')
  return zipSync({
    ...Object.fromEntries(manifests.map((file) => [file, strToU8(fill(readText(file), variables, readText))])),
    ...Object.fromEntries(icons.map((file) => [file, new Uint8Array(readFileSync(join(folder, file)))])),
  })
}

/** Copilot calls from Microsoft's cloud, and compares the address with that of the OAuth registration as it is written. */
function checkAddress(publicBaseUrl: string) {
  if (
    URL.canParse(publicBaseUrl) &&
    publicBaseUrl.startsWith('https:') &&
    new URL(publicBaseUrl).origin === publicBaseUrl
  )
    return
  throw new EnvironmentError(
    'PUBLIC_BASE_URL is an https origin without a path or a final slash, such as https://mcp.example.com',
  )
}

function withinQuotes(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}
