import { OperatorError } from './operator-error.ts'

/** The Azure CLI's own application id, the same in every tenant. */
export const azureCliClientId = '04b07795-8ddb-461a-bbee-02f9e1bf7b46'

/**
 * What to do about an AADSTS number that somebody who signs in by hand may meet.
 * https://learn.microsoft.com/entra/identity-platform/reference-error-codes
 */
const mends: Readonly<Record<number, string>> = {
  50020: 'This account does not belong to the tenant: sign in with one that does.',
  50034: 'This account is not in the tenant: sign in with one that is.',
  50057: 'The account is disabled: sign in with another, or have an administrator enable it.',
  50076: 'The tenant wants multi-factor authentication: sign in anew (az login, where it is --az).',
  50079: 'The tenant wants multi-factor authentication: sign in anew (az login, where it is --az).',
  50105: "The app wants its users assigned: add the user under the enterprise application's Users and groups.",
  53003: 'A Conditional Access policy forbids it. Many forbid device codes: try --az.',
  65001: `The app that signs in may not call this API yet. For the Azure CLI: npm run ops -- register server --preauthorize ${azureCliClientId}. For another: consent in the Entra admin center.`,
  65004: 'Whoever signed in did not consent. Run the command again, and accept.',
  70020: 'The code was not used in time. Run the command again.',
  90002: 'Check --tenant, and --authority-host where it is a national cloud.',
  500011: 'The API is not in this tenant: check its client id, or npm run ops -- register server.',
  650053: 'The API does not have this scope: npm run ops -- register server adds access_as_user.',
  700016: 'The app that signs in is not in this tenant: check its client id and --tenant.',
  7000218:
    'The app is no public client, which a device code needs: npm run ops -- register client --public, or --az instead.',
}

/**
 * Entra's refusal as an operator reads it.
 *
 * @param what what was tried: "Sign-in failed"
 * @param said Entra's `error_description`, or any text with an AADSTS number in it
 */
export function entraRefusal(what: string, said: string): OperatorError {
  const number = Number(/AADSTS(\d+)/.exec(said)?.[1])
  return new OperatorError(
    `${what}. ${firstSentences(said)}`,
    mends[number] ??
      (Number.isNaN(number)
        ? 'Try again; where it stays, check --tenant and --authority-host.'
        : `https://login.microsoftonline.com/error?code=${number} says what it means.`),
  )
}

/** Without the trace ids, and in one line. */
function firstSentences(said: string): string {
  const line = said.replaceAll(/\s+/g, ' ').replace(/ ?Trace ID: .*$/, '')
  return line.length > 400 ? `${line.slice(0, 400)}…` : line
}
