import { after } from "../text/after";
import { moment } from "../text/when";
import type { After } from "./after";

/** Who looked at pictures and documents, when and why, as it was written down. */
export function Looks({ told, zone }: { told: After; zone: string }) {
  const { looks, now_ms } = told;
  const [who, what, why, when, often] = after.looks.columns;
  return (
    <section class="chapter">
      <h2>{after.looks.heading}</h2>
      <p>{looks.length === 0 ? after.looks.none : after.looks.lead}</p>
      {looks.length > 0 && (
        <div class="wide-table" role="group" aria-label={after.looks.heading} tabIndex={0}>
          <table>
            <thead>
              <tr>
                {[who, what, why, when, often].map((name) => (
                  <th key={name} scope="col">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {looks.map((look, at) => (
                <tr key={at}>
                  <td>{look.by}</td>
                  <td>{after.looks.what(look.what)}</td>
                  <td>
                    {after.looks.why(look.why)}
                    {!look.allowed && ` (${after.looks.refused})`}
                  </td>
                  <td>
                    {after.looks.when(
                      moment(look.at_ms, now_ms, zone),
                      moment(look.until_ms, now_ms, zone),
                    )}
                  </td>
                  <td>{look.count}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
