/** Who acts, in the log, by the command line: whoever may open the socket or the store is the operator. */
export const OPERATOR = "operator"
