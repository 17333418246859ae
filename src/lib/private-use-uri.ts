/**
 * Schemes that are no app's own: of the web and other networks, of what browsers and systems open, show or run
 * themselves, and those that a web site may register for itself (HTML, "Custom scheme handlers").
 */
const publicSchemes = new Set(
  [
    'http https ws wss ftp ftps sftp scp ssh telnet tn3270 rlogin gopher ldap ldaps nfs smb cifs afp dav davs webdav vnc rdp',
    'imap imaps pop smtp nntp news snews irc ircs irc6 git svn rsync tftp rtsp rtmp mms mmsh mmst dns ipfs ipns dweb magnet',
    'mailto tel sms smsto mmsto callto geo sip sips xmpp im wtai bitcoin ethereum matrix openpgp4fpr webcal feed urn tag acct',
    'javascript jscript vbscript livescript mocha data blob file filesystem about view-source jar mhtml mk res resource cid mid',
    'shell search search-ms hcp its help chrome devtools edge brave opera vivaldi extension intent android-app content',
    'market itms itms-apps itms-services app-settings prefs wyciwyg',
  ].flatMap((line) => line.split(' ')),
)
/** What begins like this: sites' and extensions' schemes, those of Windows and Office, of browsers and of Apple's systems. */
const publicBeginning = /^(web|ext)\+|^(ms|chrome|moz|safari|x-apple|apple)-/

/** `scheme://host/path` or `scheme:/path`, in characters that mean themselves. */
const form = /^[a-z][a-z0-9+.-]+:(\/\/[A-Za-z0-9._-]+(:\d+)?)?(\/[A-Za-z0-9._~-]+)*(\?[A-Za-z0-9._~=&-]+)?$/

/**
 * Whether a URI is one of an app's own scheme, whole and in its one spelling (RFC 8252 section 7.1). Which app gets it
 * is up to the device: any of them can claim any such scheme.
 */
export function isPrivateUseUri(uri: string): boolean {
  const scheme = uri.slice(0, uri.indexOf(':'))
  if (publicSchemes.has(scheme) || publicBeginning.test(scheme) || !form.test(uri)) return false
  return /:\/[^?]/.test(uri) && URL.canParse(uri) && new URL(uri).href === uri
}
