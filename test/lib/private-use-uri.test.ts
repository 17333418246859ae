import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isPrivateUseUri } from '../../src/lib/private-use-uri.ts'

for (const uri of [
  'cursor://anysphere.cursor-mcp/oauth/callback',
  'vscode://publisher.extension/did-authenticate',
  'com.example.app:/oauth2redirect/example-provider',
  'com.example.app:/callback',
  'com.example.app://callback',
  'raycast://oauth?package_name=Extension',
  'a-b+c.d9://Host:33418/Path_~.x',
]) {
  test(`${uri} is one of an app’s own`, () => assert.equal(isPrivateUseUri(uri), true))
}

const schemes = {
  'runs a script': ['javascript', 'vbscript', 'livescript', 'mocha', 'jscript'],
  'shows what is in it, or a file': [
    'data',
    'blob',
    'file',
    'filesystem',
    'about',
    'view-source',
    'jar',
    'mhtml',
    'res',
  ],
  'is of the web or another network': [
    'http',
    'https',
    'ws',
    'wss',
    'ftp',
    'sftp',
    'ssh',
    'ldap',
    'smb',
    'git',
    'gopher',
  ],
  'reaches people or things': [
    'mailto',
    'tel',
    'sms',
    'callto',
    'sip',
    'xmpp',
    'geo',
    'magnet',
    'bitcoin',
    'urn',
    'tag',
  ],
  'a web site may register': ['web+app', 'web+mcp', 'ext+app', 'webcal', 'matrix', 'openpgp4fpr', 'im', 'irc', 'nntp'],
  'is of a browser': [
    'chrome',
    'chrome-extension',
    'moz-extension',
    'safari-web-extension',
    'edge',
    'devtools',
    'resource',
  ],
  'is of a system': [
    'ms-settings',
    'ms-msdt',
    'ms-word',
    'search-ms',
    'shell',
    'intent',
    'content',
    'itms-services',
    'x-apple-x',
  ],
}
for (const [what, names] of Object.entries(schemes)) {
  test(`a scheme that ${what} is no app’s own`, () => {
    for (const name of names) {
      for (const rest of ['://host/path', ':/path', '://host']) assert.equal(isPrivateUseUri(name + rest), false, name)
    }
  })
}

for (const [what, uris] of [
  ['no scheme', ['', ':', '/callback', '//host/path', '://host/path', 'callback', 'null', '*']],
  ['nothing behind the scheme', ['cursor:', 'cursor:/', 'cursor://', 'cursor:///', 'cursor:?a=b', 'cursor:/?a=b']],
  ['a path without a slash before it', ['com.example.app:callback', 'cursor:a/b', 'localhost:3000/callback']],
  ['a slash at its end, which would mean all below', ['cursor://host/', 'cursor://host/oauth/', 'com.example.app:/a/']],
  ['a pattern', ['cursor://*', 'cursor://host/*', '*://host/path', 'cursor*://host/path', 'cursor://*.host/path']],
  ['a fragment', ['cursor://host/path#', 'cursor://host/path#a', 'cursor://host#/path']],
  ['userinfo', ['cursor://a@host/path', 'cursor://a:b@host/path', 'cursor://@host/path']],
  ['a backslash', ['cursor:\\\\host\\path', 'cursor://host\\path', 'cursor:/\\host']],
  ['dot segments', ['cursor://host/../path', 'cursor://host/a/./b', 'com.example.app:/a/..', 'com.example.app:/./a']],
  ['percent signs', ['cursor://host/%2e%2e/path', 'cursor://ho%73t/path', 'cursor://host/%00', 'cursor://host/?a=%0a']],
  ['empty segments', ['cursor://host//path', 'com.example.app:/a//b', 'cursor:///path']],
  ['another spelling', ['Cursor://host/path', 'CURSOR:/path', 'cursor://host/path?', 'cursor://host:/path']],
  ['a port that is none', ['cursor://host:x/path', 'cursor://host:99999/path']],
  [
    'white space and control characters',
    [' cursor:/a', 'cursor:/a ', 'cur\tsor:/a', 'cursor:/a\n', 'cursor://h ost/a'],
  ],
  ['characters beyond ASCII', ['cürsor:/a', 'cursor://hóst/a', 'cursor:/ä', 'java\u200bscript:/a']],
  ['a drive', ['c:/path', 'C:/path', 'c://host/path']],
  ['a scheme in a scheme', ['view-source:cursor://host/path', 'cursor:javascript:alert(1)', 'cursor://javascript:x/a']],
  ['markup', ['cursor://host/"><script>', "cursor://host/'", 'cursor://host/?a=<b>', 'cursor://host/;url=x']],
] as const) {
  test(`a URI with ${what} is no app’s own`, () => {
    for (const uri of uris) assert.equal(isPrivateUseUri(uri), false, JSON.stringify(uri))
  })
}
