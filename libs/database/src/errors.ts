/** Deadlock, serialisation failure, lost or refused connection, server starting or stopping: worth another try at the edge. */
export function isTransient(error: unknown): boolean {
  const code = codeOf(error);
  if (code === undefined)
    return (
      error instanceof Error &&
      /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error/.test(error.message)
    );
  return /^(40001|40P01|55P03|57P0[1-5]|53\d{3}|08\w{3}|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN)$/.test(code);
}

/** The name of the constraint that a statement violated, for the few callers that turn one into an answer. */
export function violatedConstraint(error: unknown): string | undefined {
  const code = codeOf(error);
  if (!code || !/^23/.test(code)) return undefined;
  const driver = driverErrorOf(error);
  return typeof driver.constraint === 'string' ? driver.constraint : undefined;
}

function codeOf(error: unknown): string | undefined {
  const { code } = driverErrorOf(error);
  return typeof code === 'string' ? code : undefined;
}

/** TypeORM wraps the error of pg in `driverError`. */
function driverErrorOf(error: unknown): { code?: unknown; constraint?: unknown } {
  if (typeof error !== 'object' || error === null) return {};
  return 'driverError' in error && typeof error.driverError === 'object' && error.driverError !== null ? error.driverError : error;
}
