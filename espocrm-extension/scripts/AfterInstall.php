<?php

use Espo\Core\Container;
use Espo\Core\Utils\Metadata;
use Espo\Modules\Kanzleisync\Setup\CustomMetadata;

/** Sees to it that the firm's own metadata do not hide the panel and the switch; EspoCRM rebuilds afterwards. */
class AfterInstall
{
    public function run(Container $container): void
    {
        $metadata = $container->getByClass(Metadata::class);

        $clientDefs = $metadata->getCustom('clientDefs', 'CBeteiligte');
        if ($clientDefs instanceof stdClass && CustomMetadata::showPanel($clientDefs)) {
            $metadata->saveCustom('clientDefs', 'CBeteiligte', $clientDefs);
        }

        $entityDefs = $metadata->getCustom('entityDefs', 'CBeteiligte');
        if ($entityDefs instanceof stdClass && CustomMetadata::switchConcurrencyControlOn($entityDefs)) {
            $metadata->saveCustom('entityDefs', 'CBeteiligte', $entityDefs);
        }
    }
}
