/** Whether a URL stays on this host, where nobody listens on the way. */

const loopback = /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])$/

export const isLoopback = (url: string): boolean => URL.canParse(url) && loopback.test(new URL(url).hostname)

/** A code goes in the clear to nobody but this host. */
export const mayCall = (url: string): boolean =>
  URL.canParse(url) && (url.startsWith("https://") || (url.startsWith("http://") && isLoopback(url)))
