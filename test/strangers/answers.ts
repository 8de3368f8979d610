/** Answers of servers that mean no good, or know no better, as bytes; and what whoever passes them on is to say. */
const said = (line: string, ...headers: ReadonlyArray<string>) => [`HTTP/1.1 ${line}`, ...headers, "", ""].join("\r\n")
const two = "Content-Length: 2"

/** Read by node's client and refused, by a throw, by its server; or the start of a wait without an end. */
export const unsayable: ReadonlyArray<string> = [
  `${said("000 X", two)}hi`,
  `${said("099 X", two)}hi`,
  said("099 X", "Content-Length: 0"),
  `${said("1000 X", two)}hi`,
  said("101 X"),
  said("101 X", "Connection: upgrade", "Upgrade: other"),
  `${said("200 X", "Transfer-Encoding: gzip")}hi`,
  `${said("200 X", two, "A: \x01")}hi`,
  `${said("200 X", two, "A: 1", " 2")}hi`
]

/** With the line that is left of each. */
export const sayable: ReadonlyArray<readonly [answer: string, line: string]> = [
  [`${said("200 O\x01K\x7f\x00", two)}hi`, "HTTP/1.1 200"],
  [`${said("200 S\x7f", two)}hi`, "HTTP/1.1 200"],
  [`${said("200 S\xe9\x80", two)}hi`, "HTTP/1.1 200 S\xe9\x80\r\n"],
  [`${said("999 X", two)}hi`, "HTTP/1.1 999 X\r\n"],
  [`${said("200 X", two, "Trailer: a")}hi`, "HTTP/1.1 200 X\r\n"],
  [said("204 X", "Trailer: a"), "HTTP/1.1 204 X\r\n"],
  [`${said("200 X", "Transfer-Encoding: chunked", "Trailer: a")}2\r\nhi\r\n0\r\nA: 1\r\n\r\n`, "HTTP/1.1 200 X\r\n"],
  [`${said("200 X", "Transfer-Encoding: identity")}hi`, "HTTP/1.1 200 X\r\n"],
  [`${said("150 X")}${said("103 Y", "Link: a")}${said("200 X", two)}hi`, "HTTP/1.1 200 X\r\n"],
  [`${said("200 X", two, "A: \xe9\x80")}hi`, "HTTP/1.1 200 X\r\n"],
  [said("204 X", two), "HTTP/1.1 204 X\r\n"],
  ["HTTP/2.0 200 X\r\n\r\nhi", "HTTP/1.1 200 X\r\n"]
]

/** What nobody may be told. */
export const isClean = (text: string): boolean =>
  /^[\t\r\n\x20-\x7e\x80-\xff]*$/.test(text) && !/^trailer:/im.test(text)
