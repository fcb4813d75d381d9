import { Controller, Get, Header, Inject } from '@nestjs/common';
import { Operation } from '@points/http';
import type { Metrics } from '@points/observability';
import { METRICS } from './tokens.js';

@Controller('metrics')
export class MetricsController {
  constructor(@Inject(METRICS) private readonly metrics: Metrics) {}

  @Get()
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  @Operation({ summary: 'Metrics in the Prometheus text format', public: true, produces: 'text/plain' })
  read(): Promise<string> {
    return this.metrics.registry.metrics();
  }
}
