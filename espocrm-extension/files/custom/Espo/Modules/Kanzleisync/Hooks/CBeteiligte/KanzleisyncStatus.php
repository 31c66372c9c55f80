<?php

declare(strict_types=1);

namespace Espo\Modules\Kanzleisync\Hooks\CBeteiligte;

use Espo\Core\Hook\Hook\BeforeSave;
use Espo\Core\Utils\Config;
use Espo\Entities\User;
use Espo\Modules\Kanzleisync\Sync\Entries;
use Espo\Modules\Kanzleisync\Sync\StatusRule;
use Espo\ORM\Entity;
use Espo\ORM\EntityManager;
use Espo\ORM\Repository\Option\SaveOptions;
use Espo\Repositories\EmailAddress as EmailAddressRepository;
use Espo\Repositories\PhoneNumber as PhoneNumberRepository;

/**
 * Sets `syncStatus` by StatusRule on every way a record is saved: form, API, import, formula, workflow.
 *
 * @implements BeforeSave<Entity>
 */
class KanzleisyncStatus implements BeforeSave
{
    private const STATUS = 'syncStatus';

    /** In data/config.php; narrows who counts as kanzleisync from every user of type API to the one of this user name. */
    private const API_USER_NAME = 'kanzleisyncApiUserName';

    /** After EspoCRM's before-save formula (11), which may change synced fields. */
    public static int $order = 20;

    public function __construct(
        private EntityManager $entityManager,
        private User $user,
        private Config $config,
    ) {}

    public function beforeSave(Entity $entity, SaveOptions $options): void
    {
        $isNew = $entity->isNew();
        $status = StatusRule::decide(
            isNew: $isNew,
            byKanzleisync: $this->isKanzleisync(),
            setsStatus: $isNew ? (bool) $entity->get(self::STATUS) : $entity->isAttributeChanged(self::STATUS),
            changesSynced: !$isNew && $this->changesSynced($entity),
        );
        if ($status !== null) {
            $entity->set(self::STATUS, $status);
        }
    }

    private function isKanzleisync(): bool
    {
        $userName = $this->config->get(self::API_USER_NAME);

        // A person never is: nobody's typing may pass unnoticed because of a setting.
        return $this->user->isApi() && ($userName === null || $userName === $this->user->getUserName());
    }

    private function changesSynced(Entity $entity): bool
    {
        foreach (StatusRule::SYNCED_ATTRIBUTES as $attribute) {
            if ($entity->isAttributeChanged($attribute)) {
                return true;
            }
        }
        foreach (StatusRule::SYNCED_ARRAYS as $attribute => $valueKey) {
            // Compared by content: for EspoCRM an array already counts as changed where a key such as `lower` is missing.
            if (
                $entity->isAttributeChanged($attribute) &&
                Entries::differ($this->stored($entity, $attribute), $entity->get($attribute), $valueKey)
            ) {
                return true;
            }
        }

        return false;
    }

    /** The array as it is stored. The record service loads it before a save; formula and workflow do not. */
    private function stored(Entity $entity, string $attribute): mixed
    {
        if ($entity->hasFetched($attribute)) {
            return $entity->getFetched($attribute);
        }
        if ($attribute === 'emailAddressData') {
            /** @var EmailAddressRepository $mails */
            $mails = $this->entityManager->getRepository('EmailAddress');

            return $mails->getEmailAddressData($entity);
        }
        /** @var PhoneNumberRepository $phones */
        $phones = $this->entityManager->getRepository('PhoneNumber');

        return $phones->getPhoneNumberData($entity);
    }
}
