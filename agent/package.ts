import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { strToU8, zipSync } from 'fflate'

/** The files of an app package. */
export const manifests = ['manifest.json', 'declarativeAgent.json', 'ai-plugin.json'] as const
export const icons = ['color.png', 'outline.png'] as const

/** Variables of an environment. An empty value counts as missing, except for APP_NAME_SUFFIX. */
export type Variables = Readonly<Record<string, string | undefined>>

/** How to set the variables that the toolkit's provision sets. */
const manualSteps: Readonly<Record<string, string>> = {
  TEAMS_APP_ID: `a GUID for the app, which must never change, such as ${randomUUID()}`,
  OAUTH_REGISTRATION_ID: 'the id of an OAuth client registration in the Teams Developer Portal (agent/README.md)',
}

/**
 * Variables that still have the value of the sample, where it is an example's: users and administrators would see it.
 *
 * @returns lines to print, such as `DEVELOPER_NAME=Contoso IT`
 */
export function sampleValues(variables: Variables, sample: Variables): string[] {
  return Object.entries(variables)
    .filter(([name, value]) => /example\.com|Contoso/.test(value ?? '') && value === sample[name])
    .map(([name, value]) => `${name}=${value}`)
}

/** Variables are missing or invalid; the message lists all of them, with what to do. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError'
}

/**
 * Substitutes `${{VARIABLES}}` and `$[file('…')]` in a manifest, as the toolkit does: values are escaped for JSON strings;
 * files are relative to the manifest and may contain variables.
 *
 * @throws {EnvironmentError}
 */
export function fill(manifest: string, variables: Variables, readText: (file: string) => string): string {
  const missing = new Set<string>()
  const filled = manifest
    .replaceAll(/\$\[file\('([\w.-]+)'\)\]/g, (_, file: string) => escapeForJson(readText(file)))
    .replaceAll(/\$\{\{(\w+)\}\}/g, (_, name: string) => {
      const value = variables[name] ?? ''
      if (value === '' && name !== 'APP_NAME_SUFFIX') missing.add(name)
      return escapeForJson(value)
    })
  if (missing.size > 0) {
    const lines = [...missing].map(
      (name) => `  - ${name}${manualSteps[name] === undefined ? '' : `: ${manualSteps[name]}`}`,
    )
    throw new EnvironmentError(`Missing variables:\n${lines.join('\n')}`)
  }
  return filled
}

/**
 * Creates an app package as a zip: the manifests with variables substituted, and the icons.
 *
 * @param folder of the manifests and icons
 * @throws {EnvironmentError}
 */
export function packageOf(folder: string, variables: Variables): Uint8Array {
  const readText = (file: string) => readFileSync(join(folder, file), 'utf8')
  const all = manifests.map(readText).join('\n')
  // All manifests at once, so that the error lists every missing variable.
  fill(all, variables, readText)
  checkBaseUrl(variables['PUBLIC_BASE_URL'] ?? '')
  return zipSync({
    ...Object.fromEntries(manifests.map((file) => [file, strToU8(fill(readText(file), variables, readText))])),
    ...Object.fromEntries(icons.map((file) => [file, new Uint8Array(readFileSync(join(folder, file)))])),
  })
}

/** Copilot calls from Microsoft's cloud, and compares the URL with the OAuth registration's as a string. */
function checkBaseUrl(publicBaseUrl: string) {
  if (
    URL.canParse(publicBaseUrl) &&
    publicBaseUrl.startsWith('https:') &&
    new URL(publicBaseUrl).origin === publicBaseUrl
  )
    return
  throw new EnvironmentError(
    'PUBLIC_BASE_URL must be an https origin without a path or a trailing slash, such as https://mcp.example.com',
  )
}

function escapeForJson(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}
