import { execFile } from 'node:child_process'
import { entraError } from './entra-error.ts'
import type { Io } from './io.ts'
import { OperatorError } from './operator-error.ts'

/** `az` may refresh its own tokens first, over the network. */
const deadlineMs = 60_000

/**
 * An access token of whoever is signed in to the Azure CLI.
 *
 * @param scope of one resource, fully qualified
 * @throws {OperatorError} where `az` is missing, not signed in, signed in to another tenant, or rejected by Entra
 */
export async function azureCliToken(
  io: Pick<Io, 'env' | 'signal'>,
  { tenantId, scope }: { readonly tenantId: string; readonly scope: string },
): Promise<string> {
  if (!/^[0-9a-f-]{36}$/i.test(tenantId) || !/^[\w.:/-]+$/.test(scope)) {
    throw new OperatorError('Invalid tenant or scope.', 'Use the GUID of the tenant.')
  }
  const logIn = `az login --tenant ${tenantId} --scope ${scope} --allow-no-subscriptions`
  const { accessToken, tenant } = await runAz(
    io,
    ['account', 'get-access-token', '--tenant', tenantId, '--scope', scope],
    logIn,
  )
  if (typeof accessToken !== 'string' || accessToken === '') {
    throw new OperatorError('The Azure CLI returned no token.', `Update it (az upgrade), then run: ${logIn}`)
  }
  if (typeof tenant === 'string' && tenant.toLowerCase() !== tenantId) {
    throw new OperatorError(`The Azure CLI returned a token of tenant ${tenant}, not of ${tenantId}.`, `Run: ${logIn}`)
  }
  return accessToken
}

function runAz(
  { env, signal }: Pick<Io, 'env' | 'signal'>,
  args: readonly string[],
  logIn: string,
): Promise<Readonly<Record<string, unknown>>> {
  // On Windows az is a batch file, which only a shell runs; tenant and scope hold no character that it would interpret.
  const shell = process.platform === 'win32'
  return new Promise((resolve, reject) => {
    execFile(
      'az',
      [...args, '--output', 'json'],
      { env, signal, shell, timeout: deadlineMs, encoding: 'utf8' },
      (error, stdout, stderr) => {
        if (error !== null) reject(azFailure(error, stderr, logIn))
        else resolve(jsonObject(stdout))
      },
    )
  })
}

function azFailure(error: Error & { code?: unknown; killed?: boolean }, stderr: string, logIn: string): OperatorError {
  if (error.code === 'ENOENT' || error.code === 127) {
    return new OperatorError(
      'The Azure CLI (az) is not installed, or not on the PATH.',
      'Install it (https://aka.ms/azure-cli), or sign in with a device code: see --help.',
    )
  }
  if (error.killed === true) {
    return new OperatorError(`The Azure CLI timed out after ${deadlineMs / 1000} seconds.`, `Run: ${logIn}`)
  }
  const text = stderr.replaceAll(/^ERROR: /gm, '').trim()
  if (/AADSTS\d+/.test(text)) {
    const { message, next } = entraError('The Azure CLI got no token', text)
    return new OperatorError(message, `${next} To sign in again: ${logIn}`)
  }
  if (/az login/.test(text)) return new OperatorError('Nobody is signed in to the Azure CLI.', `Run: ${logIn}`)
  return new OperatorError(`The Azure CLI failed. ${text.split('\n')[0]?.slice(0, 300) ?? ''}`, `Run: ${logIn}`)
}

function jsonObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}
