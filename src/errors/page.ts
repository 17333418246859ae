import { entryOf, type Reason } from './catalogue.ts'
import type { Failure } from './failure.ts'

/** A failure as a page says it to whoever signs in: without names of variables, parameters and protocols. */
interface PageText {
  /** The kind of problem. */
  readonly heading: string
  readonly happened: string
  readonly next: string
}

/**
 * A failure in the words of a page. A 5xx does not say why.
 *
 * @param host this server's, for which cookies may have to be allowed
 */
export function pageText({ reason, details }: Failure, host: string): PageText {
  const own = texts[reason]
  if (own !== undefined) return typeof own === 'function' ? own(host) : own
  const { retryAfterSeconds } = details
  const wait = retryAfterSeconds === undefined ? 'in a few minutes' : `in ${retryAfterSeconds} s`
  if (reason === 'rate_limited') {
    return {
      heading: 'Too many attempts',
      happened: 'Too many requests came from your network.',
      next: `Try again ${wait}.`,
    }
  }
  const entry = entryOf(reason)
  if (entry.kind === 'tool' || entry.status >= 500) {
    return {
      heading: 'This server cannot do that right now',
      happened: 'The problem is on the server’s side.',
      next: `Try again ${wait}. If it happens again, send your administrator the details below.`,
    }
  }
  return startFromApp
}

const signInAgain = 'Go back to the app and sign in again.'

const startFromApp: PageText = {
  heading: 'This page opens from an app',
  happened: 'It is one step of signing in, and what an app sends along with it is missing or wrong.',
  next: 'Start in the app: add this server there, and it opens the right page. If it brought you here, send its developer the details below.',
}

const notInThisWindow = (host: string): PageText => ({
  heading: 'This sign-in cannot continue in this window',
  happened:
    'It was started in another browser, it is already complete, or your browser did not send this server’s cookie.',
  next: `${signInAgain} If you see this page again, allow cookies for ${host} in your browser.`,
})

const uncheckedApp = (happened: string): PageText => ({
  heading: 'This app could not be checked',
  happened,
  next: 'Try again in a few minutes. If it happens again, send the details below to the developer of the app.',
})

const texts: { readonly [reason in Reason]?: PageText | ((host: string) => PageText) } = {
  not_found: {
    heading: 'There is no page here',
    happened: 'This server has nothing at this address.',
    next: 'Check the address. If you were signing in, go back to the app and start again.',
  },
  host_not_allowed: {
    heading: 'This is not the server’s address',
    happened: 'Your browser opened the server under a name that is not its own.',
    next: 'Check the address, or ask your administrator for the right one.',
  },
  client_unknown: {
    heading: 'This server does not know the app',
    happened: 'The app was added too long ago, or to another server.',
    next: 'In the app, remove this server and add it again.',
  },
  client_document_invalid: uncheckedApp('The description that the app publishes about itself is not valid.'),
  client_document_unavailable: uncheckedApp('The description that the app publishes about itself could not be read.'),
  redirect_not_listed: {
    heading: 'This app is not allowed on this server',
    happened: 'The app wants your sign-in sent to an address that is not on this server’s list.',
    next: 'If you know the app and use it at work, send your administrator this page. If you did not start signing in, there is nothing to do.',
  },
  redirect_not_registered: {
    heading: 'This app changed its address',
    happened: 'The app wants your sign-in sent to an address that it did not name when it was added.',
    next: 'In the app, remove this server and add it again. If you did not start signing in, there is nothing to do.',
  },
  consent_unconfirmed: {
    heading: 'The box was not ticked',
    happened: 'Nothing was allowed: the box on the page before was empty.',
    next: 'Go back, tick the box if you started this sign-in yourself, and choose Allow again.',
  },
  consent_form_rejected: notInThisWindow,
  sign_in_elsewhere: notInThisWindow,
  sign_in_expired: {
    heading: 'This sign-in has expired',
    happened: 'It took longer than a sign-in may take.',
    next: signInAgain,
  },
}
