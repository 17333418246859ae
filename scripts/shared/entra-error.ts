import { OperatorError } from './operator-error.ts'

/** The Azure CLI's own application id, the same in every tenant. */
export const azureCliClientId = '04b07795-8ddb-461a-bbee-02f9e1bf7b46'

/**
 * Remediation by AADSTS number, of those that a person who signs in may see.
 * https://learn.microsoft.com/entra/identity-platform/reference-error-codes
 */
const remediations: Readonly<Record<number, string>> = {
  50020: 'The account does not belong to the tenant: sign in with one that does.',
  50034: 'The account does not exist in the tenant: sign in with one that does.',
  50057: 'The account is disabled: sign in with another, or have an administrator enable it.',
  50076: 'The tenant requires multi-factor authentication: sign in again (with --az: az login).',
  50079: 'The tenant requires multi-factor authentication: sign in again (with --az: az login).',
  50105: "The app requires user assignment: add the user under the enterprise application's Users and groups.",
  53003: 'A Conditional Access policy blocks the sign-in. Many block device codes: try --az.',
  65001: `The client app has no consent to call this API. For the Azure CLI: npm run ops -- register server --preauthorize ${azureCliClientId}. For another app: grant consent in the Entra admin center.`,
  65004: 'The user declined consent. Run the command again, and accept.',
  70020: 'The code expired. Run the command again.',
  90002: 'Check --tenant, and for a national cloud --authority-host.',
  500011: 'The API is not in this tenant: check its client id, or run npm run ops -- register server.',
  650053: 'The API does not have this scope: npm run ops -- register server adds access_as_user.',
  700016: 'The client app is not in this tenant: check its client id and --tenant.',
  7000218: 'Device codes need a public client: run npm run ops -- register client --public, or use --az.',
}

/**
 * An Entra error with its remediation.
 *
 * @param what what failed: "Sign-in failed"
 * @param description Entra's `error_description`, or any text with an AADSTS number in it
 */
export function entraError(what: string, description: string): OperatorError {
  const number = Number(/AADSTS(\d+)/.exec(description)?.[1])
  return new OperatorError(
    `${what}. ${withoutTraceIds(description)}`,
    remediations[number] ??
      (Number.isNaN(number)
        ? 'Try again; if it persists, check --tenant and --authority-host.'
        : `See https://login.microsoftonline.com/error?code=${number}.`),
    Number.isNaN(number) ? {} : { code: `AADSTS${number}` },
  )
}

/** On one line. */
function withoutTraceIds(description: string): string {
  const line = description.replaceAll(/\s+/g, ' ').replace(/ ?Trace ID: .*$/, '')
  return line.length > 400 ? `${line.slice(0, 400)}…` : line
}
